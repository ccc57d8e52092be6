//! Who is measured, and how its process is started.

use std::path::PathBuf;
use std::process::Command;

use crate::common::KEY;

/// Cores of the servers and of who asks them.
pub(crate) const SERVER_CORE: &str = "0";
pub(crate) const LOAD_CORE: &str = "1";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) name: &'static str,
    pub(crate) of: Of,
    pub(crate) scheme: Scheme,
    pub(crate) repeats: bool,
}

/// What a candidate runs on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// This program, as `servers.rs` has it.
    Rust,
    Node,
    Python,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    GitHub,
    StandardWebhooks,
}

const fn rust(name: &'static str) -> Candidate {
    Candidate {
        name,
        of: Of::Rust,
        scheme: Scheme::GitHub,
        repeats: false,
    }
}

const fn standard(name: &'static str) -> Candidate {
    Candidate {
        scheme: Scheme::StandardWebhooks,
        ..rust(name)
    }
}

pub(crate) const BARE_HYPER: &str = "bare hyper";
pub(crate) const BARE_AXUM: &str = "bare axum";
pub(crate) const ON_HYPER: &str = "tower-webhook on hyper";
pub(crate) const ON_AXUM: &str = "tower-webhook on axum";
pub(crate) const IN_TABLE: &str = "tower-webhook on axum, in a table";
pub(crate) const DUPLICATES: &str = "tower-webhook on axum, duplicates";
pub(crate) const THOROUGH: &str = "by hand in axum: the same work";
pub(crate) const CAREFUL: &str = "by hand in axum: HMAC, moka, Value";
pub(crate) const VERIFY: &str = "limit and verify in axum";
pub(crate) const STANDARD: &str = "standardwebhooks in axum";

pub(crate) const CANDIDATES: [Candidate; 12] = [
    rust(BARE_HYPER),
    rust(BARE_AXUM),
    rust(ON_HYPER),
    rust(ON_AXUM),
    rust(IN_TABLE),
    Candidate {
        repeats: true,
        ..rust(DUPLICATES)
    },
    rust(THOROUGH),
    rust(CAREFUL),
    standard(VERIFY),
    standard(STANDARD),
    Candidate {
        of: Of::Node,
        ..rust("@octokit/webhooks, Node")
    },
    Candidate {
        of: Of::Python,
        ..rust("FastAPI and hmac, Python")
    },
];

/// Where what others ship is installed.
fn place(of: Of) -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("peers");
    target.join(if of == Of::Node { "octokit" } else { "fastapi" })
}

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers");

/// Installs what others ship, as it is pinned, without running its scripts.
pub(crate) fn install() {
    for (of, from, files, line) in [
        (
            Of::Node,
            "octokit",
            &["package.json", "package-lock.json", "server.mjs"][..],
            "npm ci --ignore-scripts --no-audit --no-fund",
        ),
        (
            Of::Python,
            "fastapi",
            &["requirements.txt", "server.py"],
            "python3 -m venv venv && venv/bin/pip install --quiet -r requirements.txt",
        ),
    ] {
        let place = place(of);
        std::fs::create_dir_all(&place).expect("the target directory can be written");
        for file in files {
            let from = PathBuf::from(HERE).join(from).join(file);
            std::fs::copy(from, place.join(file)).expect("the file is in the repository");
        }
        let status = Command::new("sh")
            .args(["-c", line])
            .current_dir(&place)
            .status();
        if !status.is_ok_and(|status| status.success()) {
            println!("not installed: {line}");
        }
    }
}

impl Candidate {
    /// The command that runs its server, or `None` where that is not installed.
    pub(crate) fn command(&self) -> Option<Command> {
        let place = place(self.of);
        let (program, argument) = match self.of {
            Of::Rust => (
                std::env::current_exe().expect("this program is a file"),
                None,
            ),
            Of::Node => (PathBuf::from("node"), Some("server.mjs")),
            Of::Python => (place.join("venv/bin/python"), Some("server.py")),
        };
        if self.of == Of::Node && !place.join("node_modules").exists()
            || self.of == Of::Python && !program.exists()
        {
            return None;
        }
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]).arg(program);
        match argument {
            Some(file) => command.arg(file).current_dir(place),
            None => command.args(["serve", self.name]),
        };
        command.env("WEBHOOK_SECRET", KEY);
        Some(command)
    }
}
