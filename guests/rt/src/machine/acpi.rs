//! Finding the ACPI tables, and counting the CPUs they list.
//!
//! Tables are byte slices; whoever wants a field reads it at its offset and bounds are checked.
//! Also called: RSDP, XSDT, MADT, APIC table.
#![expect(unsafe_code)]
// UNSAFETY: reads the firmware area and the tables that it points to (A2).

/// Where the root pointer is looked for, on 16-byte boundaries.
const SEARCH: core::ops::Range<usize> = 0xE_0000..0x10_0000;

fn bytes(at: u64, length: usize) -> &'static [u8] {
    // SAFETY: firmware tables in low memory are mapped (A2) and nobody writes them (A1).
    unsafe { core::slice::from_raw_parts(at as usize as *const u8, length) }
}

/// Little-endian word of `N` bytes at `offset`, 0 if it does not fit.
pub fn field(table: &[u8], offset: usize, length: usize) -> u64 {
    let word = table.get(offset..offset + length).unwrap_or_default();
    word.iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Whether all bytes add up to zero, as in every ACPI table.
pub fn checksum_holds(table: &[u8]) -> bool {
    table.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) == 0
}

/// The root pointer, 36 bytes long from revision 2 on, 20 before.
pub fn root_pointer() -> Option<&'static [u8]> {
    SEARCH
        .step_by(16)
        .map(|at| bytes(at as u64, 36))
        .find_map(|pointer| {
            let length = if pointer[15] >= 2 { 36 } else { 20 };
            let found = pointer.starts_with(b"RSD PTR ") && checksum_holds(&pointer[..20]);
            found.then(|| &pointer[..length])
        })
}

/// The table at physical address `at`, as long as its header says.
pub fn table_at(at: u64) -> &'static [u8] {
    let length = field(bytes(at, 8), 4, 4) as usize;
    bytes(at, length)
}

/// All tables that the root table lists.
pub fn tables() -> impl Iterator<Item = &'static [u8]> {
    let pointer = root_pointer().unwrap_or_default();
    let (root, width) = match field(pointer, 24, 8) {
        0 => (field(pointer, 16, 4), 4),
        extended => (extended, 8),
    };
    let root: &[u8] = if root == 0 { &[] } else { table_at(root) };
    let entries = root.get(36..).unwrap_or_default();
    entries
        .chunks_exact(width)
        .map(move |entry| table_at(field(entry, 0, width)))
}

/// The table with this signature.
pub fn table(signature: &[u8; 4]) -> Option<&'static [u8]> {
    tables().find(|table| table.starts_with(signature))
}

/// The entries of the APIC table, each from its type byte on.
pub fn madt_entries() -> impl Iterator<Item = &'static [u8]> {
    let mut rest = table(b"APIC")
        .and_then(|table| table.get(44..))
        .unwrap_or_default();
    core::iter::from_fn(move || {
        let length = usize::from(*rest.get(1)?).max(2);
        let (entry, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(entry)
    })
}

/// CPUs that are listed as enabled; 1 if there is no table.
pub fn cpus() -> usize {
    madt_entries()
        .filter(|entry| entry[0] == 0 && field(entry, 4, 4) & 1 != 0)
        .count()
        .max(1)
}
