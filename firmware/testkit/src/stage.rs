//! A stage for exits: one vCPU of a small partition with code in its RAM.
//!
//! It starts in 64-bit mode at CPL 0, with one MiB of RAM at 0 and the low four
//! GiB mapped one to one by large pages, so that device pages are reachable.
//! The host is the emulator's: no NRIP save, no decode assists. A test puts code
//! at RIP, writes the exit's words and plays the exit.
//! Also called: fixture, test bench.

use hvcore::clock::kvmclock::{PartitionClock, Scale};
use hvcore::decode::regs::{Gpr, Regs};
use hvcore::exit::dispatch::dispatch;
use hvcore::exit::{Context, PartitionFacts, Verdict};
use hvcore::ids::{CpuId, Gpa, Tsc, VcpuId};
use hvcore::policy::cpuid::{self, CpuidTable, HostCpuid, Platform};
use hvcore::policy::efer;
use hvcore::policy::msr::MsrPolicy;
use hvcore::vcpu::counters::Count;
use hvcore::vcpu::facts::HostFacts;
use hvcore::vcpu::owned::{Run, Vcpu};
use hvcore::vcpu::shared::{Layout, PartitionShared, VcpuShared};
use svm::cpuid::SvmFeatures;
use svm::exit_code::ExitCode;
use svm::vmcb::Segment;
use svm::vmcb::event::Event;

use crate::cores::KickLog;
use crate::guest_cpu::FakeCpu;
use crate::guest_ram::GuestRam;

/// Bytes of RAM, from address 0.
pub const RAM: u64 = 1 << 20;
/// Where [`Stage::code`] puts instructions.
pub const CODE: u64 = 0x1000;
/// Start of a part of RAM that the stage does not use, up to [`RAM`].
pub const FREE: u64 = 0x2_0000;
/// TSC ticks a second.
pub const TSC_HZ: u64 = 2_000_000_000;
/// CPUID 1 EAX of the host.
pub const SIGNATURE: u32 = 0x00A2_0F12;

const TABLES: u64 = 0x1_0000;
const PRESENT_WRITABLE_USER_USED: u64 = 0x67;
const LARGE: u64 = 1 << 7;
const EFER_LONG_ACTIVE: u64 = 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12;
const CR0_PAGED: u64 = 1 << 31 | 1 << 16 | 0x31;
const CR4_PAE: u64 = 1 << 5;
const CODE_64: u16 = 0xA9B;
const CODE_32: u16 = 0xC9B;
const CODE_16: u16 = 0x9B;

/// One vCPU, number 0, with all that its exits need.
pub struct Stage {
    /// Guest RAM.
    pub ram: GuestRam,
    /// The VMCB.
    pub cpu: FakeCpu,
    /// The owner's state.
    pub vcpu: Vcpu,
    /// Shared part of the partition; a static in the image, so leaked here.
    pub partition: &'static PartitionShared,
    /// Fixed answers.
    pub facts: PartitionFacts,
    /// The host.
    pub host: HostFacts,
    /// Who was kicked.
    pub cores: KickLog,
    /// Guest TSC.
    pub now: Tsc,
    /// Event whose delivery the next exit interrupts.
    pub delivering: Event,
}

/// A host with XSAVE and AVX, RDTSCP and IBPB.
pub fn host_cpuid() -> HostCpuid {
    let regs = |eax, ebx, ecx, edx| cpuid::Regs { eax, ebx, ecx, edx };
    HostCpuid {
        max_extended: 0x8000_0021,
        features: regs(SIGNATURE, 0, 1 << 26 | 1 << 27 | 1 << 28, u32::MAX),
        xsave: regs(7, 0x340, 0x340, 0),
        xsave_avx: regs(0x100, 0x240, 0, 0),
        extended: regs(0, 0, 0, u32::MAX),
        sizes: regs(0x3030, 1 << 12, 0, 0),
        ..HostCpuid::default()
    }
}

impl Stage {
    /// A partition of `vcpus` vCPUs; vCPU `n` lives on core `n + 1`.
    pub fn new(vcpus: u8) -> Self {
        let host = host_cpuid();
        let partition: &'static _ = Box::leak(Box::new(PartitionShared::new()));
        partition.set_layout(Layout {
            vcpus,
            cores: std::array::from_fn(|n| CpuId(n as u8 + 1)),
        });
        for id in partition.ids() {
            partition.page(id).unwrap().reset(id.0);
        }
        let platform = Platform {
            vcpus,
            tsc_khz: (TSC_HZ / 1000) as u32,
            stable_tsc: true,
        };
        let scale = Scale::of_tsc(TSC_HZ).unwrap();
        let mut vcpu = Vcpu::new(VcpuId(0), TSC_HZ);
        vcpu.run = Run::Running;
        let mut stage = Self {
            ram: GuestRam::new(0, RAM),
            cpu: FakeCpu::new(),
            vcpu,
            partition,
            facts: PartitionFacts {
                cpuid: CpuidTable::new(&host, platform),
                msr: MsrPolicy::new(&host),
                efer: efer::writable(&host),
                clock: PartitionClock::start(scale, Tsc(0), 0, true),
            },
            host: HostFacts {
                features: SvmFeatures::empty(),
                errata: board::Errata::empty(),
                errata_off: board::Errata::empty(),
                phys_bits: 48,
                tsc_hz: TSC_HZ,
                signature: SIGNATURE,
                xcr0: host.guest_xcr0(),
            },
            cores: KickLog::new(),
            now: Tsc(1000),
            delivering: Event::NONE,
        };
        stage.long_mode();
        stage
    }

    fn long_mode(&mut self) {
        self.ram
            .put_u64(TABLES, (TABLES + 0x1000) | PRESENT_WRITABLE_USER_USED);
        for gib in 0..4 {
            let leaf = gib << 30 | PRESENT_WRITABLE_USER_USED | LARGE;
            self.ram.put_u64(TABLES + 0x1000 + gib * 8, leaf);
        }
        let save = &mut self.cpu.vmcb.save;
        save.cr3 = TABLES;
        save.cr4 = CR4_PAE;
        save.cr0 = CR0_PAGED;
        save.efer = EFER_LONG_ACTIVE;
        save.rflags = 2;
        save.dr6 = 0xFFFF_0FF0;
        save.rip = CODE;
        save.cs = flat(CODE_64);
    }

    /// Flat 32-bit code without paging.
    pub fn protected_mode(&mut self) {
        let save = &mut self.cpu.vmcb.save;
        save.cr0 = 0x31;
        save.efer = 1 << 12;
        save.cs = flat(CODE_32);
    }

    /// 16-bit code at segment base `base`.
    pub fn real_mode(&mut self, base: u64) {
        let save = &mut self.cpu.vmcb.save;
        save.cr0 = 0x30;
        save.efer = 1 << 12;
        save.cs = Segment {
            selector: (base >> 4) as u16,
            attributes: CODE_16,
            limit: 0xFFFF,
            base,
        };
    }

    /// Puts instructions at [`CODE`] and RIP there.
    pub fn code(&mut self, bytes: &[u8]) {
        self.ram.put(CODE, &[0; 32]);
        self.ram.put(CODE, bytes);
        self.cpu.vmcb.save.rip = CODE.wrapping_sub(self.cpu.vmcb.save.cs.base);
    }

    /// Plays an exit; RIP, registers and exit information are as they stand.
    pub fn exit(&mut self, code: ExitCode) -> Verdict {
        self.cpu.vmcb.control.exit_code = code.0;
        // The loop has taken EXITINTINFO by then.
        self.vcpu.event = self.delivering;
        let delivering = self.delivering.valid();
        self.delivering = Event::NONE;
        let mut context = Context {
            vcpu: &mut self.vcpu,
            shared: self.partition.vcpu(VcpuId(0)).unwrap(),
            cpu: &mut self.cpu,
            memory: &self.ram,
            partition: self.partition,
            facts: &self.facts,
            cores: &self.cores,
            host: &self.host,
            now: self.now,
            delivering,
        };
        dispatch(&mut context, code)
    }

    /// Places `bytes` and plays the exit of that instruction.
    pub fn instruction(&mut self, bytes: &[u8], code: ExitCode) -> Verdict {
        self.code(bytes);
        self.exit(code)
    }

    /// Plays a nested page fault at `at` with EXITINFO1 `error`.
    pub fn nested_fault(&mut self, bytes: &[u8], at: u64, error: u64) -> Verdict {
        self.cpu.vmcb.control.exit_info_1 = error;
        self.cpu.vmcb.control.exit_info_2 = at;
        self.instruction(bytes, ExitCode::NESTED_PAGE_FAULT)
    }

    /// RIP relative to where [`Self::code`] put the instruction.
    pub fn advanced(&self) -> u64 {
        let save = &self.cpu.vmcb.save;
        (save.cs.base + save.rip).wrapping_sub(CODE)
    }

    /// Sets a register.
    pub fn set(&mut self, register: Gpr, value: u64) {
        self.vcpu.regs.gpr[usize::from(register.number())] = value;
    }

    /// All 64 bits of a register.
    pub fn get(&self, register: Gpr) -> u64 {
        self.vcpu.regs.full(register)
    }

    /// Fills every register with a pattern that none of the handlers makes.
    pub fn paint(&mut self) -> Regs {
        self.vcpu.regs.gpr =
            std::array::from_fn(|n| 0xA5A5_0000_5A5A_0000 | (n as u64) << 36 | n as u64);
        self.vcpu.regs
    }

    /// Its own shared part.
    pub fn shared(&self) -> &'static VcpuShared {
        self.peer(0)
    }

    /// The shared part of any vCPU.
    pub fn peer(&self, id: u8) -> &'static VcpuShared {
        self.partition.vcpu(VcpuId(id)).unwrap()
    }

    /// One counter of this vCPU.
    pub fn count(&self, what: Count) -> u64 {
        self.shared().counters.snapshot()[what as usize]
    }

    /// Maps the page at `linear` to `to` with `flags`, by a table of its own
    /// below 1 GiB; the rest of that GiB is not mapped any more.
    pub fn map_only(&mut self, linear: u64, to: Gpa, flags: u64) {
        assert!(linear < 1 << 30, "one directory is enough");
        let (directory, table) = (TABLES + 0x2000, TABLES + 0x3000);
        let open = PRESENT_WRITABLE_USER_USED;
        self.ram.put_u64(TABLES + 0x1000, directory | open);
        self.ram
            .put_u64(directory + (linear >> 21) * 8, table | open);
        self.ram
            .put_u64(table + (linear >> 12 & 0x1FF) * 8, to.0 | flags);
    }
}

const fn flat(attributes: u16) -> Segment {
    Segment {
        selector: 0x10,
        attributes,
        limit: u32::MAX,
        base: 0,
    }
}
