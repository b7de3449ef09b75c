//! The doorbell.

use std::process::ExitCode;

fn main() -> ExitCode {
    clearwell::run(std::env::args_os())
}
