//! From TOML text to a draft, noting every key and value that is not understood.
//!
//! Owns: the grammar of a plan: key names, value types, words. It walks the spanned
//! tree by hand, because a derived deserializer stops at the first mistake.

use super::diagnostic::{Code, Diagnostics};
use super::draft::{At, Draft, Module, Partition, Word};
use super::suggest::{PARTITION_KEYS, PLAN_KEYS, example, misplaced, nearest};
use crate::image::source::ImageSource;
use crate::size;
use board::Errata;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const MODULE_KEYS: &[&str] = &["file", "cmdline"];

/// Reads the text of a plan file.
pub fn read(text: &str, found: &mut Diagnostics) -> Draft {
    let (table, errors) = DeTable::parse_recoverable(text);
    let broken = !errors.is_empty();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        found.add(
            Code::Syntax,
            span,
            error.message(),
            "here",
            "the plan is a TOML file; see `bulkhead check --help`",
        );
    }
    if broken {
        // What recovery made of the rest would only raise follow-up mistakes.
        return Draft::default();
    }
    let mut keys = Keys::new(table.get_ref(), PLAN_KEYS, "a plan", found);
    Draft {
        board: keys.string("board"),
        attach: keys.string("attach"),
        allow_smt_sharing: keys.boolean("allow-smt-sharing").unwrap_or(false),
        errata_off: keys.errata("errata-off"),
        partitions: keys
            .tables("partition")
            .into_iter()
            .map(|(span, t)| partition(span, t, keys.found))
            .collect(),
    }
}

fn partition(span: Range<usize>, table: &DeTable<'_>, found: &mut Diagnostics) -> Partition {
    let mut keys = Keys::new(table, PARTITION_KEYS, "a partition", found);
    for key in ["name", "cores", "memory", "kind", "image"] {
        keys.require(key, &span);
    }
    Partition {
        name: keys.string("name"),
        cores: keys.cores("cores"),
        memory: keys.size("memory"),
        kind: keys.word("kind"),
        image: keys.image("image"),
        initrd: keys.image("initrd"),
        modules: keys.modules("modules"),
        cmdline: keys.string("cmdline"),
        load_address: keys.integer("load-address"),
        entry_address: keys.integer("entry-address"),
        start: keys
            .word("start")
            .map(Spanned::into_inner)
            .unwrap_or_default(),
        on_crash: keys.word("on-crash").map(Spanned::into_inner),
        on_reboot: keys.word("on-reboot").map(Spanned::into_inner),
        on_poweroff: keys.word("on-poweroff").map(Spanned::into_inner),
        restart_limit: keys.small("restart-limit").map(Spanned::into_inner),
        span,
    }
}

/// One table with the keys it may have.
struct Keys<'a, 'i, 'd> {
    table: &'a DeTable<'i>,
    found: &'d mut Diagnostics,
}

impl<'a, 'i, 'd> Keys<'a, 'i, 'd> {
    fn new(table: &'a DeTable<'i>, known: &[&str], what: &str, found: &'d mut Diagnostics) -> Self {
        for key in table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()))
        {
            let (name, span) = (key.get_ref().as_ref(), key.span());
            let help = misplaced(name, known)
                .or_else(|| nearest(name, known).map(|near| format!("did you mean `{near}`?")))
                .unwrap_or_else(|| format!("the keys are: {}", known.join(", ")));
            found.add(
                Code::UnknownKey,
                span,
                format!("{what} has no key `{name}`"),
                "unknown key",
                help,
            );
        }
        Self { table, found }
    }

    fn require(&mut self, key: &str, table: &Range<usize>) {
        if !self.table.contains_key(key) {
            let label = "in this table";
            self.found.add(
                Code::MissingKey,
                table.clone(),
                format!("`{key}` is missing"),
                label,
                example(key),
            );
        }
    }

    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'i>>> {
        self.table.get(key)
    }

    fn wrong(&mut self, key: &str, value: &Spanned<DeValue<'_>>) {
        let got = value.get_ref().type_str();
        self.found.add(
            Code::WrongType,
            value.span(),
            format!("`{key}` cannot be of type {got}"),
            got,
            example(key),
        );
    }

    fn string(&mut self, key: &str) -> Option<At<String>> {
        let value = self.get(key)?;
        let Some(text) = value.get_ref().as_str() else {
            self.wrong(key, value);
            return None;
        };
        Some(Spanned::new(value.span(), text.to_owned()))
    }

    fn boolean(&mut self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong(key, value);
        }
        flag
    }

    fn integer(&mut self, key: &str) -> Option<At<u64>> {
        let value = self.get(key)?;
        self.number(key, value)
    }

    fn number(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<At<u64>> {
        let Some(digits) = value.get_ref().as_integer() else {
            self.wrong(key, value);
            return None;
        };
        let Ok(number) = u64::from_str_radix(digits.as_str(), digits.radix()) else {
            let message = format!("`{key}` is out of range");
            self.found.add(
                Code::NumberRange,
                value.span(),
                message,
                "not an unsigned number",
                example(key),
            );
            return None;
        };
        Some(Spanned::new(value.span(), number))
    }

    fn small(&mut self, key: &str) -> Option<At<u32>> {
        let number = self.integer(key)?;
        self.narrow(key, number)
    }

    fn narrow(&mut self, key: &str, number: At<u64>) -> Option<At<u32>> {
        let span = number.span();
        match u32::try_from(*number.get_ref()) {
            Ok(small) => Some(Spanned::new(span, small)),
            Err(_) => {
                self.found.add(
                    Code::NumberRange,
                    span,
                    format!("`{key}` is too large"),
                    "here",
                    example(key),
                );
                None
            }
        }
    }

    fn size(&mut self, key: &str) -> Option<At<u64>> {
        let text = self.string(key)?;
        let bytes = size::parse(text.get_ref());
        if bytes.is_none() {
            let message = format!("`{}` is not a size", text.get_ref());
            let help =
                "write a whole number and KiB, MiB or GiB, for example `memory = \"512 MiB\"`";
            self.found
                .add(Code::SizeText, text.span(), message, "no size", help);
        }
        Some(Spanned::new(text.span(), bytes?))
    }

    fn word<W: Word>(&mut self, key: &str) -> Option<At<W>> {
        let text = self.string(key)?;
        let word = W::WORDS
            .iter()
            .find(|(name, _)| name == text.get_ref())
            .map(|(_, word)| *word);
        if word.is_none() {
            let names: Vec<_> = W::WORDS.iter().map(|(name, _)| *name).collect();
            let help = match nearest(text.get_ref(), &names) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!(
                    "write one of: {}",
                    names
                        .iter()
                        .map(|n| format!("\"{n}\""))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            };
            let message = format!("`{key}` cannot be \"{}\"", text.get_ref());
            self.found.add(
                Code::UnknownWord,
                text.span(),
                message,
                "unknown word",
                help,
            );
        }
        Some(Spanned::new(text.span(), word?))
    }

    fn image(&mut self, key: &str) -> Option<At<ImageSource>> {
        let text = self.string(key)?;
        match ImageSource::parse(text.get_ref()) {
            Ok(source) => Some(Spanned::new(text.span(), source)),
            Err(help) => {
                let message = format!("`{}` names no image", text.get_ref());
                self.found.add(
                    Code::ImageReference,
                    text.span(),
                    message,
                    "unknown reference",
                    help,
                );
                None
            }
        }
    }

    fn cores(&mut self, key: &str) -> Option<At<Vec<At<u32>>>> {
        let value = self.get(key)?;
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value);
            return None;
        };
        let mut cores = Vec::new();
        for item in list.iter() {
            let core = self
                .number("cores", item)
                .and_then(|number| self.narrow("cores", number));
            cores.extend(core);
        }
        Some(Spanned::new(value.span(), cores))
    }

    /// The union of a list of names; each unknown one is a mistake.
    fn errata(&mut self, key: &str) -> Errata {
        let mut set = Errata::empty();
        let Some(value) = self.get(key) else {
            return set;
        };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value);
            return set;
        };
        for item in list.iter() {
            match item
                .get_ref()
                .as_str()
                .map(|name| (name, Errata::from_name(name)))
            {
                Some((_, Some(erratum))) => set |= erratum,
                Some((name, None)) => self.unknown_erratum(name, item.span()),
                None => self.wrong(key, item),
            }
        }
        set
    }

    fn unknown_erratum(&mut self, name: &str, span: Range<usize>) {
        let known: Vec<_> = Errata::all().iter_names().map(|(name, _)| name).collect();
        let message = format!("no work-around is called `{name}`");
        let help = format!("the work-arounds are: {}", known.join(", "));
        self.found
            .add(Code::UnknownWord, span, message, "unknown name", help);
    }

    fn modules(&mut self, key: &str) -> Option<At<Vec<Module>>> {
        let value = self.get(key)?;
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value);
            return None;
        };
        let mut modules = Vec::new();
        for item in list.iter() {
            let Some(table) = item.get_ref().as_table() else {
                self.wrong(key, item);
                continue;
            };
            let mut keys = Keys::new(table, MODULE_KEYS, "a module", self.found);
            keys.require("file", &item.span());
            let cmdline = keys.string("cmdline");
            modules.extend(keys.image("file").map(|file| Module { file, cmdline }));
        }
        Some(Spanned::new(value.span(), modules))
    }

    fn tables(&mut self, key: &str) -> Vec<(Range<usize>, &'a DeTable<'i>)> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in list.iter() {
            match item.get_ref().as_table() {
                Some(table) => tables.push((item.span(), table)),
                None => self.wrong(key, item),
            }
        }
        tables
    }
}
