//! What a person most likely meant, and what a right line looks like.
//!
//! Owns: the lists of keys, spelling suggestions, and an example for each key.
//! Also called: did you mean.

/// Keys of a plan.
pub const PLAN_KEYS: &[&str] = &[
    "board",
    "attach",
    "allow-smt-sharing",
    "errata-off",
    "partition",
];
/// Keys of a partition.
pub const PARTITION_KEYS: &[&str] = &[
    "name",
    "cores",
    "memory",
    "kind",
    "image",
    "initrd",
    "modules",
    "cmdline",
    "load-address",
    "entry-address",
    "start",
    "on-crash",
    "on-reboot",
    "on-poweroff",
    "restart-limit",
];

/// A key of the other level, with the place it belongs to.
pub fn misplaced(name: &str, known: &[&str]) -> Option<String> {
    if PLAN_KEYS.contains(&name) && !known.contains(&"partition") {
        return Some(format!(
            "`{name}` belongs to the plan: move it above the first [[partition]]; there can be one only"
        ));
    }
    let inside = PARTITION_KEYS.contains(&name) && known.contains(&"partition");
    inside.then(|| format!("`{name}` belongs to a partition: move it below a [[partition]] line"))
}

/// The known word a person most likely meant.
pub fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = name.replace('_', "-").to_lowercase();
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&plain, word), *word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .min()
        .map(|(_, word)| word)
}

/// What a right value of `key` looks like.
pub fn example(key: &str) -> String {
    let sample = match key {
        "board" => "board = \"qemu_q35\"",
        "attach" => "attach = \"linux\"",
        "allow-smt-sharing" => "allow-smt-sharing = true",
        "errata-off" => "errata-off = [\"SHADOW_IGNORED\"]",
        "partition" => "[[partition]]",
        "name" => "name = \"linux\"",
        "cores" => "cores = [1, 2]",
        "memory" => "memory = \"512 MiB\"",
        "kind" => "kind = \"linux\"",
        "image" => "image = \"debian:6.1-cloud\"",
        "initrd" => "initrd = \"initramfs:shell\"",
        "modules" => "modules = [{ file = \"data.bin\", cmdline = \"data\" }]",
        "file" => "file = \"data.bin\"",
        "cmdline" => "cmdline = \"console=ttyS0\"",
        "load-address" => "load-address = 0x100000",
        "entry-address" => "entry-address = 0x100000",
        "start" => "start = \"auto\"",
        "restart-limit" => "restart-limit = 3",
        _ => return format!("write, for example, `{key} = \"restart\"`"),
    };
    format!("write, for example, `{sample}`")
}
