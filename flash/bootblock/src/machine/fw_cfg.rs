//! The emulator's configuration device, by descriptor (DMA) transfers.
//!
//! One path for all: reading 128 KiB of ACPI tables byte by byte through a port
//! takes an emulator longer than all the rest, and the tables' addresses can be
//! reported back only this way.

use super::ports;
use bootblock::acpi::loader::{Files, Name};
use bootblock::bytes::{be32, until_zero};
use bootblock::fw_cfg::{
    CONTROL_ERROR, CPU_COUNT, DIRECTORY, ENTRY_BYTES, FEATURES, File, SIGNATURE, Transfer,
    descriptor,
};
use core::sync::atomic::{Ordering, fence};

const SELECTOR_PORT: u16 = 0x510;
const DATA_PORT: u16 = 0x511;
const DMA_PORT_HIGH: u16 = 0x514;
const DMA_PORT_LOW: u16 = 0x518;
/// Directory entries read at most; QEMU 7.2 has about 25.
const MAX_ENTRIES: u32 = 128;

#[repr(align(16))]
struct Descriptor([u8; 16]);

/// The device, known to be there.
pub struct FwCfg(());

impl FwCfg {
    /// Looks for the device; `None` without it or without descriptor transfers.
    pub fn find() -> Option<Self> {
        ports::write::<u16>(SELECTOR_PORT, SIGNATURE);
        let signature: [u8; 4] = core::array::from_fn(|_| ports::read(DATA_PORT));
        ports::write::<u16>(SELECTOR_PORT, FEATURES);
        let features: u8 = ports::read(DATA_PORT);
        (&signature == b"QEMU" && features & 2 != 0).then_some(Self(()))
    }

    /// Processors that run after reset.
    pub fn cpu_count(&mut self) -> u16 {
        let mut count = [0; 2];
        self.read_item(CPU_COUNT, &mut count);
        u16::from_le_bytes(count)
    }

    /// The file called `name`.
    pub fn file(&mut self, name: &[u8]) -> Option<File> {
        let mut count = [0; 4];
        self.read_item(DIRECTORY, &mut count);
        for _ in 0..be32(&count, 0)?.min(MAX_ENTRIES) {
            let mut entry = [0; ENTRY_BYTES];
            self.read_on(&mut entry);
            if let Some(file) = File::from_entry(&entry).filter(|f| f.is(name)) {
                return Some(file);
            }
        }
        None
    }

    /// Reads a file from its beginning into `into`; the bytes that were there.
    pub fn read<'b>(&mut self, name: &[u8], into: &'b mut [u8]) -> Option<&'b mut [u8]> {
        let file = self.file(name)?;
        let into = into.get_mut(..file.size as usize)?;
        self.read_item(file.item, into);
        Some(into)
    }

    fn read_item(&mut self, item: u16, into: &mut [u8]) {
        self.transfer(
            Transfer::Read,
            Some(item),
            into.as_mut_ptr() as u64,
            into.len(),
        );
    }

    fn read_on(&mut self, into: &mut [u8]) {
        self.transfer(Transfer::Read, None, into.as_mut_ptr() as u64, into.len());
    }

    /// Runs one descriptor; false when the device refused.
    fn transfer(&mut self, what: Transfer, item: Option<u16>, address: u64, length: usize) -> bool {
        let mut words = Descriptor(descriptor(what, item, length as u32, address));
        let at = words.0.as_mut_ptr();
        fence(Ordering::SeqCst);
        ports::write::<u32>(DMA_PORT_HIGH, ((at as u64 >> 32) as u32).to_be());
        ports::write::<u32>(DMA_PORT_LOW, (at as u32).to_be());
        loop {
            // SAFETY: `at` points at the local descriptor, whose first word the
            // device overwrites when it is done.
            let control = u32::from_be(unsafe { at.cast::<u32>().read_volatile() });
            if control & !CONTROL_ERROR == 0 {
                fence(Ordering::SeqCst);
                return control == 0;
            }
        }
    }
}

impl Files for FwCfg {
    fn size(&mut self, name: &Name) -> Option<usize> {
        self.file(until_zero(name)).map(|file| file.size as usize)
    }

    fn read(&mut self, name: &Name, into: &mut [u8]) {
        if let Some(file) = self.file(until_zero(name)) {
            self.read_item(file.item, into);
        }
    }

    fn write(&mut self, name: &Name, offset: u32, bytes: &[u8]) -> bool {
        let Some(file) = self.file(until_zero(name)) else {
            return false;
        };
        self.transfer(Transfer::Skip, Some(file.item), 0, offset as usize)
            && self.transfer(Transfer::Write, None, bytes.as_ptr() as u64, bytes.len())
    }
}
