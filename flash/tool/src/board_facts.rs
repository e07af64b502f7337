//! What the plan checker needs to know of a board.
//!
//! Owns: the only place where this crate touches crate `board`. The command line may
//! override cores, threads and memory: QEMU builds the machine it is asked for, and
//! real boards come with less than the most they can have.

/// The facts of one board, after overrides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BoardFacts {
    /// Name as a plan writes it.
    pub name: &'static str,
    /// Hardware threads, in MADT order.
    pub cores: u32,
    /// Hardware threads that share one physical core; siblings are adjacent.
    pub threads_per_core: u32,
    /// RAM in bytes.
    pub memory: u64,
    /// RAM that no guest can have, in bytes.
    pub reserved: u64,
    /// Bytes of the flash chip.
    pub flash: u64,
    /// An emulator: `run` makes it as large as the plan needs.
    pub emulated: bool,
}

impl BoardFacts {
    /// A board on which nothing fails for lack of cores or memory.
    pub const ANY: Self = Self {
        name: "any",
        cores: u32::MAX,
        threads_per_core: 1,
        memory: u64::MAX,
        reserved: 0,
        flash: u64::MAX,
        emulated: false,
    };

    fn of(board: &board::Board) -> Self {
        Self {
            name: board.name,
            cores: u32::from(board.cores),
            threads_per_core: u32::from(board.threads_per_core),
            memory: board.memory,
            reserved: board.reserved,
            flash: u64::from(board.flash),
            emulated: board.exit_port.is_some(),
        }
    }
}

/// Every board a plan can name.
pub fn all() -> Vec<BoardFacts> {
    board::ALL.iter().map(BoardFacts::of).collect()
}

/// The board of that name.
pub fn by_name(name: &str) -> Option<BoardFacts> {
    board::by_name(name).map(BoardFacts::of)
}

/// The board a plan means when it names none.
pub const DEFAULT: &str = "qemu_q35";
