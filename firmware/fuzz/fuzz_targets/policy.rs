//! Fuzz target: MSR, MTRR and port policies.
//!
//! Claims: a register that needs no exit is the guest's own in both directions;
//! reads and writes agree on who keeps it; the permission map says what the
//! policy says; a port read fits its width.
#![no_main]

use hvcore::ids::VcpuId;
use hvcore::policy::cpuid::{HostCpuid, Regs};
use hvcore::policy::msr::{Kept, MsrPolicy, MsrRead, MsrWrite};
use hvcore::policy::mtrr::Mtrrs;
use hvcore::policy::{msr_map, port_io};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((control, rest)) = input.split_first_chunk::<24>() else {
        return;
    };
    let word = |at: usize| u32::from_le_bytes(control[at..at + 4].try_into().unwrap());
    // The host's answers are the input's, whatever the leaf.
    let host = HostCpuid::capture(|leaf, subleaf| {
        let at = |n: u32| {
            let from = (leaf ^ subleaf.rotate_left(8) ^ n).wrapping_mul(0x9E37_79B1) as usize;
            rest.get(from % rest.len().max(1))
                .map_or(0, |byte| u32::from(*byte) * 0x0101_0101)
        };
        Regs {
            eax: at(0),
            ebx: at(1),
            ecx: at(2),
            edx: at(3),
        }
    });
    let policy = MsrPolicy::new(&host);
    let (msr, vcpu) = (word(0), VcpuId(control[4]));
    let value = u64::from(word(8)) | u64::from(word(12)) << 32;
    let (read, write) = (policy.read(msr, vcpu), policy.write(msr, value, vcpu));
    let (reads, writes) = policy.passes(msr);
    assert_eq!(reads, read == MsrRead::Pass);
    assert!(write != MsrWrite::Pass || writes || reads || matches!(read, MsrRead::Emulate(_)));
    if let (MsrRead::Emulate(reader), MsrWrite::Emulate(writer)) = (read, write) {
        assert_eq!(reader, writer);
        if let Kept::Mtrr(register) = writer {
            let mut mtrrs = Mtrrs::reset();
            mtrrs.write(register, value);
            assert_eq!(mtrrs.read(register), value);
        }
    }
    assert!(!(read == MsrRead::Fault && matches!(write, MsrWrite::Emulate(_))));
    if let Some((byte, bit)) = msr_map::position(msr) {
        let mut map = [0; msr_map::BYTES];
        msr_map::fill(&policy, &mut map);
        assert_eq!(map[byte] >> bit & 1 == 0, reads);
        assert_eq!(map[byte] >> (bit + 1) & 1 == 0, writes);
    } else {
        assert!(!reads && !writes);
    }
    ports(word(16), word(20));
});

fn ports(port: u32, value: u32) {
    let (port, size) = (port as u16, [1, 2, 4][(port >> 16) as usize % 3]);
    if let port_io::PortRead::Value(read) = port_io::read(port, size) {
        assert_eq!(u64::from(read) >> (8 * u32::from(size)), 0);
    }
    // Only the low byte reaches a device.
    assert_eq!(
        port_io::write(port, value),
        port_io::write(port, value & 0xFF)
    );
}
