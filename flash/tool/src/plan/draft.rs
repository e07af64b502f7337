//! A plan as read: what could be understood, with the place of every value.
//!
//! Owns: the shape of a plan in memory. Fields are optional, because checking goes
//! on after a mistake; a draft without diagnostics has every required field.

use crate::image::source::ImageSource;
use abi::plan::{kind, policy};
use board::Errata;
use std::ops::Range;
use toml::Spanned;

/// A value with its place in the file.
pub type At<T> = Spanned<T>;

/// A whole plan.
#[derive(Clone, Debug)]
pub struct Draft {
    /// `board`.
    pub board: Option<At<String>>,
    /// `attach`: the partition whose console is shown at start.
    pub attach: Option<At<String>>,
    /// `allow-smt-sharing`.
    pub allow_smt_sharing: bool,
    /// `errata-off`: work-arounds to leave out, for experiments.
    pub errata_off: Errata,
    /// `[[partition]]`.
    pub partitions: Vec<Partition>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            board: None,
            attach: None,
            allow_smt_sharing: false,
            errata_off: Errata::empty(),
            partitions: Vec::new(),
        }
    }
}

/// One `[[partition]]`.
#[derive(Clone, Debug, Default)]
pub struct Partition {
    /// The whole table, for mistakes of omission.
    pub span: Range<usize>,
    /// `name`.
    pub name: Option<At<String>>,
    /// `cores`, in the order of the vCPUs.
    pub cores: Option<At<Vec<At<u32>>>>,
    /// `memory` in bytes.
    pub memory: Option<At<u64>>,
    /// `kind`.
    pub kind: Option<At<Kind>>,
    /// `image`.
    pub image: Option<At<ImageSource>>,
    /// `initrd`.
    pub initrd: Option<At<ImageSource>>,
    /// `modules`.
    pub modules: Option<At<Vec<Module>>>,
    /// `cmdline`.
    pub cmdline: Option<At<String>>,
    /// `load-address`.
    pub load_address: Option<At<u64>>,
    /// `entry-address`.
    pub entry_address: Option<At<u64>>,
    /// `start`.
    pub start: Start,
    /// `on-crash`; stays stopped unless the plan says otherwise.
    pub on_crash: Option<Policy>,
    /// `on-reboot`; a guest that asks for a reset gets one unless told otherwise.
    pub on_reboot: Option<Policy>,
    /// `on-poweroff`; stays off unless the plan says otherwise.
    pub on_poweroff: Option<Policy>,
    /// `restart-limit`; 0 means none.
    pub restart_limit: Option<u32>,
}

/// Restarts after crashes when a plan does not say how many.
pub const DEFAULT_RESTART_LIMIT: u32 = 3;

/// One module of a multiboot guest.
#[derive(Clone, Debug)]
pub struct Module {
    /// `file`.
    pub file: At<ImageSource>,
    /// `cmdline`.
    pub cmdline: Option<At<String>>,
}

impl Partition {
    /// The name to call it in messages.
    pub fn title(&self) -> &str {
        self.name.as_ref().map_or("?", |name| name.get_ref())
    }

    /// Every image of the partition.
    pub fn images(&self) -> impl Iterator<Item = &At<ImageSource>> {
        let modules = self
            .modules
            .iter()
            .flat_map(|list| list.get_ref())
            .map(|module| &module.file);
        self.image.iter().chain(&self.initrd).chain(modules)
    }
}

/// A closed set of words that a key takes.
pub trait Word: Copy + Sized + 'static {
    /// The words with their meanings.
    const WORDS: &'static [(&'static str, Self)];
}

/// What a partition runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A Linux bzImage.
    Linux,
    /// A multiboot (version 1) ELF32.
    Multiboot,
    /// A flat binary.
    Flat,
}

impl Kind {
    /// The number of the compiled plan.
    pub fn number(self) -> u8 {
        match self {
            Self::Linux => kind::LINUX,
            Self::Multiboot => kind::MULTIBOOT,
            Self::Flat => kind::FLAT,
        }
    }
}

impl Word for Kind {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("linux", Self::Linux),
        ("multiboot", Self::Multiboot),
        ("flat", Self::Flat),
    ];
}

/// When a partition starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Start {
    /// At boot.
    #[default]
    Auto,
    /// On `start NAME`.
    Manual,
}

impl Word for Start {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("manual", Self::Manual)];
}

/// What follows when a partition ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// Leave it stopped.
    Stop,
    /// Start it again from its images.
    Restart,
}

impl Policy {
    /// The number of the compiled plan.
    pub fn number(self) -> u8 {
        match self {
            Self::Stop => policy::STOP,
            Self::Restart => policy::RESTART,
        }
    }
}

impl Word for Policy {
    const WORDS: &'static [(&'static str, Self)] =
        &[("stop", Self::Stop), ("restart", Self::Restart)];
}
