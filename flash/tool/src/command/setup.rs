//! `bulkhead setup`: install what is missing and fetch kernels.

use crate::failure::{Failure, help_end};
use crate::image::source::DebianKernel;
use crate::progress;
use crate::setup::{kernels, programs, rust_target};
use crate::workspace::Workspace;
use clap::Args;

/// Install or name what is missing: Rust target, Debian packages, kernels.
///
/// Running it again does nothing, offline too. `run` and the test suite call the parts
/// they need by themselves. Kernels go to $BULKHEAD_CACHE (default: target/cache);
/// the system's apt sources are read for the mirror and never changed.
#[derive(Args, Debug)]
#[command(after_help = help_end(EXAMPLES))]
pub struct Setup {
    /// Fetch this Debian kernel too: 6.1, 6.1-cloud, 6.12, 6.12-cloud.
    #[arg(long, value_name = "VERSION", value_parser = kernel)]
    kernel: Vec<DebianKernel>,
    /// Fetch all four Debian kernels, as the test suite needs them.
    #[arg(long)]
    all_kernels: bool,
}

const EXAMPLES: &str = "\
cargo bulkhead setup
cargo bulkhead setup --kernel 6.1-cloud
BULKHEAD_CACHE=/var/cache/bulkhead cargo bulkhead setup --all-kernels";

fn kernel(text: &str) -> Result<DebianKernel, String> {
    let known = DebianKernel::ALL
        .into_iter()
        .find(|kernel| kernel.word() == text);
    known.ok_or_else(|| {
        format!(
            "the kernels are: {}",
            DebianKernel::ALL.map(DebianKernel::word).join(", ")
        )
    })
}

impl Setup {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        rust_target::ensure()?;
        programs::ensure(programs::ALL)?;
        for program in programs::ALL {
            program.check_version()?;
            let path = program.path().unwrap_or_default();
            progress::stage("Found", format!("{} ({})", path.display(), program.package));
        }
        let workspace = Workspace::find()?;
        let wanted = if self.all_kernels {
            DebianKernel::ALL.to_vec()
        } else {
            self.kernel
        };
        for kernel in wanted {
            kernels::obtain(&workspace, kernel)?;
            let version =
                kernels::version(&workspace, kernel).unwrap_or_else(|| "unknown version".into());
            progress::stage("Found", format!("debian:{} ({version})", kernel.word()));
        }
        Ok(())
    }
}
