//! A bzImage's setup header: read, checked, trusted with nothing.

use crate::guest::field::{u8_at, u16_at, u32_at, u64_at};

/// Where the setup header begins, in the image and in `boot_params`.
pub const HEADER_START: usize = 0x1F1;
/// Where the area for the setup header ends in `boot_params`.
pub const HEADER_LIMIT: usize = 0x290;
/// Oldest protocol with a 64-bit entry.
const VERSION_MIN: u16 = 0x020C;
/// `xloadflags` bit 0: there is a 64-bit entry.
const XLF_KERNEL_64: u16 = 1;
/// Bytes from the load address to the 64-bit entry.
pub const ENTRY_64: u64 = 0x200;
const SECTOR: usize = 512;
const PARAGRAPH: usize = 16;

/// Why an image is not a kernel that can be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderFault {
    /// No `HdrS` or no boot flag: not a Linux kernel.
    NotLinux,
    /// The boot protocol is older than 2.12.
    TooOld,
    /// No 64-bit entry: a 32-bit kernel.
    Not64Bit,
    /// The image ends before the header or the code it announces does.
    Truncated,
    /// The preferred address is not a multiple of the kernel's alignment.
    Misaligned,
}

/// What starting a kernel needs to know of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// End of the setup header in the image; copied up to here.
    pub end: usize,
    /// Offset of the protected-mode code in the image.
    pub code_offset: usize,
    /// Bytes of the protected-mode code.
    pub code_len: usize,
    /// Where the kernel wants to be, and where it is put.
    pub pref_address: u64,
    /// Bytes it uses from there before it knows the memory map.
    pub init_size: u32,
    /// Highest address the initrd's last byte may have.
    pub initrd_max: u32,
    /// Longest command line, without the zero.
    pub cmdline_max: u32,
}

impl Header {
    /// Reads the header of a bzImage.
    ///
    /// `image` may be longer than the kernel (padding, a signature). Relocation
    /// is not asked for: the kernel always goes to its preferred address, below
    /// which no 64-bit kernel runs anyway.
    pub fn parse(image: &[u8]) -> Result<Self, HeaderFault> {
        Self::fields(image).unwrap_or(Err(HeaderFault::Truncated))
    }

    fn fields(image: &[u8]) -> Option<Result<Self, HeaderFault>> {
        if u16_at(image, 0x1FE)? != 0xAA55 || u32_at(image, 0x202)? != u32::from_le_bytes(*b"HdrS")
        {
            return Some(Err(HeaderFault::NotLinux));
        }
        if u16_at(image, 0x206)? < VERSION_MIN {
            return Some(Err(HeaderFault::TooOld));
        }
        if u16_at(image, 0x236)? & XLF_KERNEL_64 == 0 {
            return Some(Err(HeaderFault::Not64Bit));
        }
        let setup_sectors = match u8_at(image, 0x1F1)? {
            0 => 4,
            sectors => usize::from(sectors),
        };
        let code_offset = (setup_sectors + 1) * SECTOR;
        let code_len = usize::try_from(u32_at(image, 0x1F4)?)
            .ok()?
            .checked_mul(PARAGRAPH)?;
        image.get(code_offset..)?.get(..code_len)?;
        let pref_address = u64_at(image, 0x258)?;
        let alignment = u64::from(u32_at(image, 0x230)?);
        if alignment == 0 || !pref_address.is_multiple_of(alignment) {
            return Some(Err(HeaderFault::Misaligned));
        }
        // The jump over the header, at 0x200, tells where it ends.
        let end = 0x202 + usize::from(u8_at(image, 0x201)?);
        Some(Ok(Self {
            end: end.min(HEADER_LIMIT),
            code_offset,
            code_len,
            pref_address,
            init_size: u32_at(image, 0x260)?,
            initrd_max: u32_at(image, 0x22C)?,
            cmdline_max: u32_at(image, 0x238)?,
        }))
    }
}
