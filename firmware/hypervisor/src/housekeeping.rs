//! The loop of core 0: lives, consoles, log; then sleep until something happens.
//!
//! Nothing here waits for a guest or a line. What can wake it: the console
//! UART's interrupt, a kick from a vCPU's core, and a tick that is short only
//! while bytes wait for a line that gives no interrupt of its own.

use crate::answers::Keepers;
use crate::lives::{Change, Keeper};
use crate::log_stream::LogStream;
use crate::machine::Machine;
use crate::shell::{Shell, Wish};
use crate::terminal::Terminal;
use crate::vcpu_core::Kicker;
use crate::wire;
use core::fmt::Write;
use hvcore::exit::raise_uart_line;
use hvcore::handoff::board_tables::SerialRegisters;
use hvcore::housekeeping::console::{Arrival, Console, Input};
use hvcore::housekeeping::partition_id::PartitionId;
use hvcore::housekeeping::restart::Event;
use hvcore::ids::CpuId;
use metal::lock::Guard;
use metal::{cpu, host_apic, idt, ioapic, percpu};

/// Value of an emulator's exit port for an ordered end.
const EXIT_IN_ORDER: u8 = 0x10;
/// Ticks a second while a line is busy: one FIFO of a 115200-baud line each.
const BUSY_HZ: u64 = 1000;
/// Ticks a second otherwise, where typed bytes raise an interrupt.
const IDLE_HZ: u64 = 20;

struct Housekeeper {
    machine: &'static Machine,
    keepers: Keepers,
    terminal: Guard<'static, Terminal>,
    console: Console,
    shell: Shell,
    log: LogStream,
    /// Typed bytes raise an interrupt.
    interrupts: bool,
    /// Something beside the terminal's queue waits for a line or a guest.
    busy: bool,
}

/// Never returns.
pub fn run(machine: &'static Machine) -> ! {
    let mut terminal = wire::TERMINAL.lock();
    terminal.share(LogStream::shares_console(machine));
    let log = LogStream::open(machine, &mut terminal);
    let mut keeper = Housekeeper {
        machine,
        keepers: (0..machine.planned).filter_map(Keeper::new).collect(),
        terminal,
        console: Console::new(),
        shell: Shell::new(),
        log,
        interrupts: route_serial(machine),
        busy: false,
    };
    // Off but for the sleep itself: an interrupt that comes during a round stays
    // pending and ends the next sleep at once, so nothing is left unseen.
    cpu::disable_interrupts();
    keeper.begin();
    loop {
        keeper.round();
        keeper.sleep();
    }
}

/// Lets the console UART interrupt core 0, where its line is known: the two
/// ports whose ISA lines every board keeps.
fn route_serial(machine: &Machine) -> bool {
    let registers = machine.tables.serial.map(|serial| serial.registers);
    let isa = match registers {
        Some(SerialRegisters::Ports(0x3f8)) | None => 4,
        Some(SerialRegisters::Ports(0x2f8)) => 3,
        Some(SerialRegisters::Ports(_) | SerialRegisters::Memory(_)) => return false,
    };
    let Some(madt) = &machine.madt else {
        return false;
    };
    let (gsi, _) = madt.isa_line(isa);
    let owner = madt
        .io_apics
        .iter()
        .filter(|apic| apic.gsi_base <= gsi)
        .max_by_key(|apic| apic.gsi_base);
    let Some(owner) = owner else { return false };
    ioapic::route_edge(
        owner.registers,
        (gsi - owner.gsi_base) as u8,
        idt::SERIAL,
        host_apic::id(),
    );
    if let Some(serial) = metal::crash::CONSOLE.lock().as_mut() {
        serial.interrupt_on_receive();
    }
    true
}

impl Housekeeper {
    fn begin(&mut self) {
        crate::log::keep(format_args!(
            "the payload was entered at TSC {}\n",
            self.machine.entered
        ));
        defmt::info!(
            "{=usize} cores, {=usize} partitions",
            self.machine.cores.len(),
            self.keepers.len()
        );
        for keeper in &mut self.keepers {
            let manual = wire::PARTITION[keeper.index()]
                .get()
                .is_some_and(|partition| {
                    partition.record.flags & abi::plan::flags::MANUAL_START != 0
                });
            if !manual {
                keeper.on(self.machine, Event::Start, &mut *self.terminal);
            }
        }
        let attach = self.machine.attach;
        match self
            .keepers
            .iter()
            .position(|keeper| Some(keeper.index()) == attach)
        {
            Some(place) => self.attach(PartitionId(place as u8)),
            None => {
                let _ = self
                    .terminal
                    .write_str("Control shell: help lists the commands.\r\n");
                self.shell.show(&mut self.terminal);
            }
        }
    }

    /// One look at everything.
    fn round(&mut self) {
        self.lives();
        self.typed();
        self.feed_guest();
        self.show_guest();
        self.terminal.pump();
        let log_waits = self.log.pump(&mut self.terminal);
        self.busy = log_waits || self.console.waiting() > 0 || !self.terminal.is_idle();
        self.end_in_order();
        self.check_stacks();
    }

    fn lives(&mut self) {
        for place in 0..self.keepers.len() {
            // The guest's last words come before what is said about its end.
            if self.keepers.get(place).is_some_and(Keeper::has_ended) {
                self.show_guest();
            }
            let Some(keeper) = self.keepers.get_mut(place) else {
                continue;
            };
            let mut notice = Notice {
                shell: &self.shell,
                terminal: &mut self.terminal,
                to_shell: self.console.attached().is_none(),
                begun: false,
            };
            let change = keeper.look(self.machine, &mut notice);
            let begun = notice.begun;
            if change == Change::Ended {
                self.console.partition_reset(PartitionId(place as u8));
            }
            if begun && self.console.attached().is_none() {
                self.shell.show(&mut self.terminal);
            }
        }
    }

    /// Bytes from the host's UART.
    fn typed(&mut self) {
        for _ in 0..256 {
            let now = self.now_ms();
            if !self.console.may_read(now) {
                return;
            }
            let byte = metal::crash::CONSOLE
                .lock()
                .as_mut()
                .and_then(metal::serial::Serial::receive);
            let Some(byte) = byte else { return };
            match self.console.host_byte(byte, now) {
                Input::Queued => self.feed_guest(),
                Input::Dropped => self.terminal.text(b"\x07"),
                Input::Shell(byte) => {
                    let wish =
                        self.shell
                            .byte(self.machine, &mut self.keepers, byte, &mut self.terminal);
                    if let Wish::Attach(id) = wish {
                        self.attach(id);
                    }
                }
                Input::Left(leave) => {
                    self.set_attached(leave.from, false);
                    let _ = write!(self.terminal, "\r\n{leave}\r\n");
                    self.shell.show(&mut self.terminal);
                }
                Input::Returned(id) => {
                    self.set_attached(id, true);
                    self.terminal.text(b"\r\n");
                }
            }
        }
    }

    fn attach(&mut self, id: PartitionId) {
        self.console.attach(id);
        self.set_attached(id, true);
        let Some(keeper) = self.keepers.get(usize::from(id.0)) else {
            return;
        };
        let Some(serial) = keeper.serial() else {
            return;
        };
        let (replayed, lost) = {
            let mut serial = serial.lock();
            (serial.waiting(), serial.newly_lost())
        };
        let arrival = Arrival {
            name: keeper.name(),
            replayed,
            lost,
        };
        let _ = write!(self.terminal, "{arrival}\r\n");
    }

    /// Only the attached guest's transmitter is ever held.
    fn set_attached(&mut self, id: PartitionId, attached: bool) {
        let Some(serial) = self.keepers.get(usize::from(id.0)).and_then(Keeper::serial) else {
            return;
        };
        let mut serial = serial.lock();
        serial.attach(attached);
        serial.input_waits = false;
        let ready = serial.may_send();
        let line = serial.uart.set_tx_ready(ready);
        self.raise(id, line);
    }

    /// Hands typed bytes to the attached guest while its receiver has room.
    fn feed_guest(&mut self) {
        let Some(id) = self.console.attached() else {
            return;
        };
        let Some(serial) = self.keepers.get(usize::from(id.0)).and_then(Keeper::serial) else {
            return;
        };
        let mut serial = serial.lock();
        let mut line = None;
        while serial.uart.room() > 0 {
            let Some(byte) = self.console.guest_byte() else {
                break;
            };
            line = serial.uart.receive(byte).line.or(line);
        }
        serial.input_waits = self.console.waiting() > 0;
        self.raise(id, line);
    }

    /// Moves the attached guest's output into the terminal's queue.
    fn show_guest(&mut self) {
        let Some(id) = self.console.attached() else {
            return;
        };
        let Some(serial) = self.keepers.get(usize::from(id.0)).and_then(Keeper::serial) else {
            return;
        };
        let mut buffer = [0u8; 512];
        loop {
            let room = self.terminal.room().min(buffer.len());
            let count = {
                let mut serial = serial.lock();
                let count = serial.take(buffer.get_mut(..room).unwrap_or_default());
                let ready = serial.may_send();
                let line = serial.uart.set_tx_ready(ready);
                self.raise(id, line);
                count
            };
            if count == 0 {
                return;
            }
            self.terminal.text(buffer.get(..count).unwrap_or_default());
            self.terminal.pump();
        }
    }

    /// Call with the serial port locked, so that lines are told as they moved.
    fn raise(&self, id: PartitionId, line: Option<bool>) {
        let index = self.keepers.get(usize::from(id.0)).map(Keeper::index);
        if let (Some(level), Some(shared)) = (line, index.and_then(|index| wire::SHARED.get(index)))
        {
            raise_uart_line(shared, level, None, &Kicker::new(self.machine));
        }
    }

    fn now_ms(&self) -> u64 {
        cpu::tsc() / (self.machine.rates.tsc_hz / 1000).max(1)
    }

    /// Every partition has switched itself off: on a machine that can be ended
    /// by a port write, that is the end.
    fn end_in_order(&mut self) {
        let Some(port) = self.machine.board.exit_port else {
            return;
        };
        let all_off = !self.keepers.is_empty() && self.keepers.iter().all(Keeper::powered_off);
        if all_off && self.terminal.is_idle() && !self.busy {
            cpu::outb(port, EXIT_IN_ORDER);
        }
    }

    /// A stack that was full to its end has damaged what lies below it.
    fn check_stacks(&self) {
        for core in (0..self.machine.cores.len()).map(|i| CpuId(i as u8)) {
            assert!(
                percpu::is_whole(core),
                "the stack of core {} has overflown",
                core.0
            );
        }
    }

    fn sleep(&mut self) {
        let hz = if self.busy || !self.interrupts {
            BUSY_HZ
        } else {
            IDLE_HZ
        };
        host_apic::arm_timer(
            self.machine
                .rates
                .apic_ticks(self.machine.rates.tsc_hz / hz),
        );
        cpu::sleep_until_interrupt();
    }
}

/// A notice in the shell's place: the line being typed steps aside first.
struct Notice<'a> {
    shell: &'a Shell,
    terminal: &'a mut Terminal,
    to_shell: bool,
    begun: bool,
}

impl Write for Notice<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        if !self.begun {
            self.begun = true;
            if self.to_shell {
                self.shell.step_aside(self.terminal);
            } else {
                self.terminal.text(b"\r\n");
            }
        }
        self.terminal.write_str(text)
    }
}
