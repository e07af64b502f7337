//! `guest_image IN OUT`: wraps an ELF64 file as a multiboot-loadable ELF32 file.
//!
//! For use from a shell; the host tool calls the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        eprintln!("usage: guest_image ELF64 ELF32");
        return ExitCode::from(2);
    };
    let wrapped = std::fs::read(input)
        .map_err(|error| error.to_string())
        .and_then(|file| guest_image::elf32::wrap(&file).map_err(|error| error.to_string()));
    let written =
        wrapped.and_then(|file| std::fs::write(output, file).map_err(|error| error.to_string()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", input.display());
            ExitCode::FAILURE
        }
    }
}
