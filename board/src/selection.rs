//! The list of all boards, by name for the host and by mainboard record at boot.

use crate::{Board, amd_bilby, pcengines_apu2, qemu_q35, unknown};

/// Every board a plan can name.
pub const ALL: &[Board] = &[qemu_q35::BOARD, pcengines_apu2::BOARD, amd_bilby::BOARD];

const _: () = {
    let mut i = 0;
    while i < ALL.len() {
        assert!(ALL[i].valid());
        i += 1;
    }
    assert!(unknown::UNKNOWN.valid());
};

/// The board of that name.
pub fn by_name(name: &str) -> Option<&'static Board> {
    ALL.iter().find(|board| board.name == name)
}

/// The board whose vendor equals and whose part begins the strings of
/// coreboot's mainboard record.
pub fn by_mainboard(vendor: &str, part: &str) -> Option<&'static Board> {
    ALL.iter()
        .find(|board| board.vendor == vendor && part.starts_with(board.part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_of_a_part_finds_its_board() {
        let found = by_mainboard("PC Engines", "apu2d4").map(|board| board.name);
        assert_eq!(found, Some("pcengines_apu2"));
        assert!(by_mainboard("PC Engines", "alix").is_none());
    }

    #[test]
    fn names_are_unique() {
        for (i, board) in ALL.iter().enumerate() {
            assert_eq!(by_name(board.name).map(|b| b.part), Some(ALL[i].part));
        }
    }
}
