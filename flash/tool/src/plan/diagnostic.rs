//! One mistake in a plan: code, place, what is wrong, what to write instead.
//!
//! Owns: the list of `BH01xx` codes. A code never changes its meaning, because
//! rigs and editors match on it; new mistakes get new numbers.

use std::ops::Range;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal;)*) => {
        /// The kinds of mistakes a plan can hold.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Code { $($(#[doc = $doc])* $name = $number,)* }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Code] = &[$(Code::$name,)*];
        }
    };
}

codes! {
    /// The file is not TOML.
    Syntax = 101;
    /// A key that plans do not have.
    UnknownKey = 102;
    /// A value of the wrong type.
    WrongType = 103;
    /// A key that must be there.
    MissingKey = 104;
    /// A word that is none of the allowed ones.
    UnknownWord = 105;
    /// A partition name with characters a console cannot take.
    NameCharacters = 106;
    /// A partition name that is empty or too long.
    NameLength = 107;
    /// Two partitions of one name.
    NameTwice = 108;
    /// No partition, or more than the payload has room for.
    PartitionCount = 109;
    /// A core that two partitions claim.
    CoreShared = 110;
    /// Core 0, which runs no guest.
    CoreZero = 111;
    /// A core that the board does not have.
    CoreMissing = 112;
    /// A core named twice in one partition.
    CoreTwice = 113;
    /// No core, or more than a partition can have.
    CoreCount = 114;
    /// Two partitions on the threads of one physical core.
    SmtSplit = 115;
    /// A size that cannot be read.
    SizeText = 120;
    /// A memory size that is not a multiple of 2 MiB.
    MemoryGranule = 121;
    /// More memory than the board has.
    MemoryBoard = 122;
    /// Less memory than the images need.
    MemoryImages = 123;
    /// An image that is not there.
    ImageMissing = 130;
    /// An image of another kind than the plan says.
    ImageKind = 131;
    /// An initrd for something that is not Linux.
    InitrdKind = 132;
    /// Modules for something that is not multiboot.
    ModulesKind = 133;
    /// More modules than the payload has room for.
    ModuleCount = 134;
    /// An image reference such as `debian:...` that names nothing.
    ImageReference = 135;
    /// Addresses that a kind must or must not have.
    AddressKind = 136;
    /// An entry address outside the image.
    EntryOutside = 137;
    /// An image that begins below 4 KiB or outside the partition's memory.
    LoadOutside = 138;
    /// `attach` names no partition.
    AttachUnknown = 140;
    /// A command line that is too long.
    CmdlineLength = 141;
    /// A command line with control characters.
    CmdlineCharacters = 142;
    /// A number out of its range.
    NumberRange = 143;
    /// A board that Bulkhead does not know.
    BoardUnknown = 150;
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BH{:04}", *self as u16)
    }
}

/// One mistake.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Which kind.
    pub code: Code,
    /// Byte range in the plan file.
    pub span: Range<usize>,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What stands at the place, in a few words.
    pub label: String,
    /// Another place that the mistake involves, with its few words.
    pub other: Option<(Range<usize>, String)>,
    /// What to write instead.
    pub help: String,
}

/// The mistakes found so far.
#[derive(Default, Debug)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a mistake that involves one place.
    pub fn add(
        &mut self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Diagnostic {
            code,
            span,
            message: message.into(),
            label: label.into(),
            other: None,
            help: help.into(),
        });
    }

    /// Adds a mistake.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All mistakes, in the order of the file.
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|d| (d.span.start, d.code));
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_ascending() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(Code::Syntax.to_string(), "BH0101");
    }
}
