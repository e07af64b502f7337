//! A board on a bench: flash, power and serial lines by commands of its place.
//!
//! Owns: the order of those commands and the lock on the board. A board is one: the
//! next test waits until the machine of the one before is dropped, and so does another
//! test run.

use super::{Board, Feature, Machine, Rig, Wires, tty};
use crate::boot::Shape;
use crate::patience::Patience;
use crate::place::Place;
use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The rig.
#[derive(Debug)]
pub struct Bench {
    place: Place,
}

impl Bench {
    /// The board at `place`.
    pub fn at(place: Place) -> Self {
        Self { place }
    }
}

impl Rig for Bench {
    fn name(&self) -> &str {
        &self.place.name
    }

    fn has(&self, feature: Feature) -> bool {
        self.place.has(feature)
    }

    fn patience(&self) -> Patience {
        Patience::scaled(self.place.patience)
    }

    fn board(&self) -> Board {
        Board {
            name: self.place.board.clone(),
            rom: Some(self.place.flash.base.clone()),
        }
    }

    fn machine(&self, _name: &str, _shape: &Shape) -> Result<Box<dyn Machine>> {
        let path = std::env::temp_dir().join(format!("bulkhead-place-{}", self.place.name));
        let lock = File::create(&path).context("the lock of the place")?;
        flock(&lock, FlockOperation::LockExclusive).context("the lock of the place")?;
        Ok(Box::new(Bound {
            place: self.place.clone(),
            _lock: lock,
        }))
    }
}

/// The board while it is ours.
struct Bound {
    place: Place,
    _lock: File,
}

impl Machine for Bound {
    fn flash(&mut self, image: &Path) -> Result<()> {
        self.power_off()?;
        let quoted = format!("'{}'", image.display().to_string().replace('\'', r"'\''"));
        let write = self.place.flash.write.replace("{image}", &quoted);
        let before = self.place.flash.before.iter();
        let written = before
            .map(String::as_str)
            .chain([write.as_str()])
            .try_for_each(run);
        // All of them, whatever fails: the chip has to go back to the board.
        let after: Vec<_> = self
            .place
            .flash
            .after
            .iter()
            .map(|line| run(line))
            .collect();
        written?;
        after.into_iter().collect()
    }

    fn power_on(&mut self) -> Result<Wires> {
        // Opened before the board can say anything.
        let open = |port: &crate::place::Port| tty::open(&port.port, port.baud);
        let wires = Wires {
            console: open(&self.place.console)?,
            log: self.place.log.as_ref().map(open).transpose()?,
        };
        std::thread::sleep(Duration::from_millis(self.place.power.rest_ms));
        run(&self.place.power.on)?;
        Ok(wires)
    }

    fn power_off(&mut self) -> Result<()> {
        run(&self.place.power.off)
    }

    fn ended(&mut self, _wait: Duration) -> Result<i32> {
        bail!("a board has no exit code; the test needs the feature `exit-code`")
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let _ = self.power_off();
    }
}

fn run(line: &str) -> Result<()> {
    let status = Command::new("sh").args(["-c", line]).status();
    let status = status.with_context(|| format!("starting `{line}`"))?;
    ensure!(status.success(), "`{line}` failed: {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// A place whose commands write down that they ran.
    fn place(folder: &Path, write: &str) -> Place {
        let note = |word: &str| format!("echo {word} >> {}/notes", folder.display());
        let text = format!(
            "name = \"t{}\"\nboard = \"pcengines_apu2\"\ncpus = 4\n[console]\nport = \"{}/port\"\n\
             [power]\non = \"{}\"\noff = \"{}\"\n\
             [flash]\nbase = \"coreboot.rom\"\nbefore = [\"{}\"]\nwrite = \"{write}\"\nafter = [\"{}\"]\n",
            folder.file_name().expect("a name").to_string_lossy(),
            folder.display(),
            note("on"),
            note("off"),
            note("before"),
            note("after"),
        );
        Place::parse(&text).expect("well formed")
    }

    fn notes(folder: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(folder.join("notes")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn shape() -> Shape {
        Shape {
            cpus: 4,
            memory: "2G",
            qemu: Vec::new(),
        }
    }

    #[test]
    fn the_board_is_off_while_it_is_flashed_and_after_the_test() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("port"), "first words").expect("a port");
        let write = format!("cp {{image}} {}/chip", folder.path().display());
        let image = folder.path().join("it's an image");
        std::fs::write(&image, "contents").expect("an image");
        let bench = Bench::at(place(folder.path(), &write));
        let mut machine = bench.machine("x", &shape()).expect("a machine");
        machine.flash(&image).expect("flashed");
        let mut wires = machine.power_on().expect("on");
        let mut said = String::new();
        wires.console.input.read_to_string(&mut said).expect("read");
        drop(machine);
        assert_eq!(said, "first words");
        assert_eq!(
            notes(folder.path()),
            ["off", "before", "after", "on", "off"]
        );
        let chip = std::fs::read_to_string(folder.path().join("chip")).expect("a chip");
        assert_eq!(chip, "contents");
    }

    #[test]
    fn the_chip_goes_back_to_the_board_when_writing_failed() {
        let folder = tempfile::tempdir().expect("a folder");
        let bench = Bench::at(place(folder.path(), "test {image} = never"));
        let mut machine = bench.machine("x", &shape()).expect("a machine");
        let error = machine.flash(Path::new("image")).expect_err("fails");
        assert!(
            error.to_string().contains("test 'image' = never"),
            "{error}"
        );
        assert_eq!(notes(folder.path()), ["off", "before", "after"]);
    }
}
