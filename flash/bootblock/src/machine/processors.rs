//! Other processors: started once, then parked where coreboot parks them.
//!
//! INIT, start-up, and each one ends in `cli; hlt` on code in CBMEM. They are not waiting for a start-up message any more: a payload has to
//! send INIT first, and must not reuse CBMEM before that.

use super::chipset::wait;
use super::interrupts::send_to_others;
use super::physical;
use super::protected_mode::{STARTUP_PAGE, order, orders, startup_begin, startup_end};

/// Longest wait for all of them. Generous: emulated processors share host cores.
const PATIENCE_MS: u32 = 20_000;

/// Starts all other processors and parks them; how many of `others` arrived. The
/// orders have been written. `registers` are set on each.
pub fn park_others(others: u32, registers: &[(u32, u64)]) -> u32 {
    const INIT: u32 = 0x4500;
    const START_UP: u32 = 0x4600;
    copy_startup_code();
    for (index, &(number, value)) in registers.iter().enumerate() {
        let at = order(orders::REGISTERS) + index as u64 * 12;
        physical::write_register(at, number);
        physical::write_register(at + 4, value as u32);
        physical::write_register(at + 8, (value >> 32) as u32);
    }
    if others == 0 {
        return 0;
    }
    let parked = || physical::read_register(order(orders::PARKED));
    let page = (STARTUP_PAGE >> 12) as u32;
    send_to_others(INIT);
    wait(10, || false);
    send_to_others(START_UP | page);
    if !wait(200, || parked() >= others) {
        send_to_others(START_UP | page);
        wait(PATIENCE_MS, || parked() >= others);
    }
    parked()
}

fn copy_startup_code() {
    let begin = &raw const startup_begin as u64;
    let end = &raw const startup_end as u64;
    let length = (end - begin) as usize;
    // SAFETY: the two symbols enclose read-only bytes of this image.
    let code = unsafe { physical::bytes(begin, length) };
    // SAFETY: low RAM that nobody uses before the payload is entered.
    let page = unsafe { physical::bytes_mut(STARTUP_PAGE, 4096) };
    page.fill(0);
    page[..length].copy_from_slice(code);
}
