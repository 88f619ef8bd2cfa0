//! Arguments in, exit code out.

fn main() -> std::process::ExitCode {
    trunkline::cli::main()
}
