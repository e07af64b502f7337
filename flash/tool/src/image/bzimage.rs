//! The header of a Linux bzImage, as far as a plan check needs it.
//!
//! Owns: reading magic, protocol version and memory demand. Offsets are those of
//! the kernel's x86 boot protocol document; nothing else of the file is looked at.

use crate::size;

const HEADER_MAGIC: u32 = 0x5372_6448;
const OFFSET_BOOT_FLAG: usize = 0x1fe;
const OFFSET_MAGIC: usize = 0x202;
const OFFSET_VERSION: usize = 0x206;
const OFFSET_XLOADFLAGS: usize = 0x236;
const OFFSET_CMDLINE_SIZE: usize = 0x238;
const OFFSET_PREF_ADDRESS: usize = 0x258;
const OFFSET_INIT_SIZE: usize = 0x260;
/// Oldest protocol with everything the 64-bit entry needs.
const OLDEST_VERSION: u16 = 0x020c;
const XLF_KERNEL_64: u16 = 1;

/// What the checks use of a bzImage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BzImage {
    /// First guest-physical byte behind the unpacked kernel's work area.
    pub needs: u64,
    /// Longest command line the kernel takes, without the ending zero.
    pub cmdline: u32,
}

/// Why a file is not a kernel that can be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotBzImage {
    /// The magic is not there.
    #[error("it has no Linux boot header (0x53726448 at offset 0x202)")]
    Magic,
    /// Too old, or a 32-bit kernel.
    #[error("its boot protocol has no 64-bit entry")]
    No64BitEntry,
}

/// Reads the header from the first bytes of a file.
pub fn parse(file: &[u8]) -> Result<BzImage, NotBzImage> {
    let flag = word::<2>(file, OFFSET_BOOT_FLAG).map(u16::from_le_bytes);
    let magic = word::<4>(file, OFFSET_MAGIC).map(u32::from_le_bytes);
    if flag != Some(0xaa55) || magic != Some(HEADER_MAGIC) {
        return Err(NotBzImage::Magic);
    }
    let version = word::<2>(file, OFFSET_VERSION).map_or(0, u16::from_le_bytes);
    let flags = word::<2>(file, OFFSET_XLOADFLAGS).map_or(0, u16::from_le_bytes);
    if version < OLDEST_VERSION || flags & XLF_KERNEL_64 == 0 {
        return Err(NotBzImage::No64BitEntry);
    }
    let start = word::<8>(file, OFFSET_PREF_ADDRESS).map_or(16 * size::MIB, u64::from_le_bytes);
    let length = word::<4>(file, OFFSET_INIT_SIZE).map_or(0, u32::from_le_bytes);
    let cmdline = word::<4>(file, OFFSET_CMDLINE_SIZE).map_or(255, u32::from_le_bytes);
    Ok(BzImage {
        needs: start.saturating_add(u64::from(length)),
        cmdline,
    })
}

fn word<const N: usize>(file: &[u8], offset: usize) -> Option<[u8; N]> {
    file.get(offset..offset.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A header that passes, for tests of the checks.
    pub(crate) fn sample(pref_address: u64, init_size: u32) -> Vec<u8> {
        let mut file = vec![0; 0x1000];
        file[OFFSET_BOOT_FLAG..][..2].copy_from_slice(&0xaa55u16.to_le_bytes());
        file[OFFSET_MAGIC..][..4].copy_from_slice(&HEADER_MAGIC.to_le_bytes());
        file[OFFSET_VERSION..][..2].copy_from_slice(&0x020fu16.to_le_bytes());
        file[OFFSET_XLOADFLAGS..][..2].copy_from_slice(&XLF_KERNEL_64.to_le_bytes());
        file[OFFSET_CMDLINE_SIZE..][..4].copy_from_slice(&2047u32.to_le_bytes());
        file[OFFSET_PREF_ADDRESS..][..8].copy_from_slice(&pref_address.to_le_bytes());
        file[OFFSET_INIT_SIZE..][..4].copy_from_slice(&init_size.to_le_bytes());
        file
    }

    #[test]
    fn memory_demand_is_the_end_of_the_work_area() {
        assert_eq!(
            parse(&sample(0x100_0000, 0x200_0000)),
            Ok(BzImage {
                needs: 0x300_0000,
                cmdline: 2047
            })
        );
    }

    #[test]
    fn kernels_without_64_bit_entry_are_refused() {
        let mut file = sample(0, 0);
        file[OFFSET_XLOADFLAGS] = 0;
        assert_eq!(parse(&file), Err(NotBzImage::No64BitEntry));
        assert_eq!(parse(&file[..0x203]), Err(NotBzImage::Magic));
        assert_eq!(parse(&[]), Err(NotBzImage::Magic));
    }
}
