//! Instructions with a LOCK prefix that exit: refused, or carried out once.
//!
//! Silicon raises #UD before it looks at any intercept. The emulator lets many of these through and exits
//! all the same; then whoever reads the instruction may carry it out or say #UD, but the guest must not die.
//! Manual: 24594 section 1.2.5. Also called: F0 prefix, undecodable instruction.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use probes::scratch_code::{self, FIRST_PAGE};
use probes::{claim, require};
use rt::fault::{self, vector};

/// A place without device or memory.
const HOLE: u64 = 0xD000_0000;

fn locked_instruction() {
    scratch_code::set_up();
    let cases: [(&str, &[u8]); 6] = [
        ("NOP", &[0xF0, 0x90]),
        ("a device load", &[0xF0, 0x8B, 0x07]),
        ("IN", &[0xF0, 0xE4, 0x80]),
        ("CPUID", &[0xF0, 0x0F, 0xA2]),
        ("RDMSR", &[0xF0, 0x0F, 0x32]),
        ("WBINVD", &[0xF0, 0x0F, 0x09]),
    ];
    for (name, code) in cases {
        scratch_code::clear();
        // push rbx; mov ecx, 0x277; ...; pop rbx; ret
        scratch_code::write(FIRST_PAGE, &[0x53, 0xB9, 0x77, 0x02, 0, 0]);
        scratch_code::write(FIRST_PAGE + 6, code);
        scratch_code::write(FIRST_PAGE + 6 + code.len() as u64, &[0x5B, 0xC3]);
        #[expect(unsafe_code)]
        // SAFETY: faults, or keeps to the calling convention. UNSAFETY: runs the code above.
        let caught = fault::expect_fault(|| unsafe {
            scratch_code::call(FIRST_PAGE, HOLE, 0);
        });
        let undefined = caught.is_some_and(|f| f.vector == vector::UD && f.rip == FIRST_PAGE + 6);
        require!(undefined || caught.is_none(), "{name}: {caught:x?}");
        claim!(
            undefined || caught.is_none(),
            "LOCK before {name} is #UD, or without effect"
        );
    }
}

probes::probe!(locked_instruction);
