//! The command line of mizzen.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use mizzen::app::{analyze, discovery, log, render, request, version};
use mizzen::config::{Cli, Command, Environment, known};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let (arguments, unknown) = known(std::env::args());
    let cli = Cli::parse_from(arguments);
    match run(cli, &unknown) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("mizzen: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, unknown: &[String]) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Discovery(args) => {
            log::start(&args.log_output_level, args.log_as_json);
            let (environment, problems) = Environment::read();
            unknown.iter().for_each(|flag| tracing::warn!("{flag} is not a flag of discovery; it is ignored"));
            problems.iter().for_each(|problem| tracing::warn!("{problem}"));
            runtime()?.block_on(discovery::run(&args, &environment))?;
        }
        Command::Render(args) => {
            let (environment, problems) = Environment::read();
            problems.iter().for_each(|problem| eprintln!("mizzen: {problem}"));
            let differs = render::run(&args, &environment, &mut std::io::stdout().lock())?;
            return Ok(ExitCode::from(u8::from(differs)));
        }
        Command::Analyze(args) => {
            let out = std::io::stdout();
            let coloured = out.is_terminal();
            return Ok(match analyze::run(&args, coloured, &mut out.lock()) {
                Ok(outcome) => ExitCode::from(u8::from(outcome.fails)),
                Err(e) => {
                    eprintln!("mizzen: {e:#}");
                    ExitCode::from(2)
                }
            });
        }
        Command::Bootstrap(args) => {
            let output = args.output.clone();
            let text = format!("{:#}\n", mizzen::agent::bootstrap::bootstrap(&args.options()?));
            match output {
                Some(file) => std::fs::write(&file, text).with_context(|| format!("--output {}", file.display()))?,
                None => print!("{text}"),
            }
        }
        Command::Demo(args) => return Ok(ExitCode::from(mizzen::demo::run(&args))),
        Command::Request(args) => {
            let body = runtime()?.block_on(request::run(&args))?;
            std::io::stdout().write_all(&body)?;
        }
        Command::Version(args) => println!("{}", version::render(&args)?),
    }
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
