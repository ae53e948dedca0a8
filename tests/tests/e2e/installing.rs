//! `make install` and the Debian package: what is installed runs from where it lies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rtx_tests::scratch::{Scratch, names_in};
use rtx_tests::{Guest, Run, checkout};

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("started");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    output
}

/// A script of the packaging, on the binaries under test.
fn packaging(script: &str) -> Command {
    let mut command = Command::new(checkout::root().join("packaging").join(script));
    command.env("BIN_DIR", checkout::binaries());
    command
}

/// The commands in `bin` run, with boards that are this very file.
fn works(bin: &Path) {
    for name in ["rtx-run", "rtx", "rtx-board"] {
        let outcome = Run::native(bin.join(name)).args(["--version"]).finish();
        let text = outcome.succeeded().stdout();
        assert_eq!(text, format!("{name} {}\n", env!("CARGO_PKG_VERSION")));
    }
    let status = |args: &[&str]| {
        let guest = Guest::test("exits").path().display().to_string();
        let run = Run::native(bin.join("rtx-run")).args(args.iter().copied());
        run.args([&*guest, "return", "7"]).finish().status()
    };
    let seven = rtx_tests::Status::Exited(7);
    assert_eq!(status(&["--policy", "never"]), seven);
    assert_eq!(
        status(&["--policy", "static", "--boards", "local:1"]),
        seven
    );
}

#[test]
fn what_is_installed_runs() {
    let scratch = Scratch::new();
    let root = scratch.path("root");
    run(packaging("install")
        .env("DESTDIR", &root)
        .env("PREFIX", "/opt/rtx"));
    assert_eq!(names_in(&root), ["opt"], "nothing beside PREFIX");
    let prefix = root.join("opt/rtx");
    works(&prefix.join("bin"));
    let pages = names_in(&prefix.join("share/man/man1"));
    for page in [
        "rtx-run.1",
        "rtx.1",
        "rtx-board.1",
        "rtx-plan.1",
        "rtx-check.1",
    ] {
        assert!(
            pages.iter().any(|name| name == page),
            "no {page} in {pages:?}"
        );
    }
    let completions: [(&str, PathBuf); 1] = [(
        "bash",
        prefix.join("share/bash-completion/completions/rtx-run"),
    )];
    for (shell, file) in completions {
        run(Command::new(shell).arg("-n").arg(file));
    }
    for file in [
        "share/zsh/site-functions/_rtx",
        "share/fish/vendor_completions.d/rtx-board.fish",
    ] {
        let text = fs::read_to_string(prefix.join(file)).expect(file);
        assert!(text.contains("rtx"), "{text}");
    }
    let sample = prefix.join("share/doc/rtx/rtx.toml");
    let outcome = Run::native(prefix.join("bin/rtx"))
        .args(["config".into(), "--config".into(), sample.into_os_string()])
        .finish();
    outcome.succeeded();
}

/// Every line of the sample means something once its # is gone.
#[test]
fn the_sample_is_right() {
    let scratch = Scratch::new();
    let sample = checkout::root().join("packaging/rtx.toml");
    let text = fs::read_to_string(sample).expect("the sample");
    let settings = text.lines().filter_map(|line| line.strip_prefix("# "));
    let settings: Vec<&str> = settings
        .filter(|line| {
            line.starts_with("[[")
                || line.contains(" = ") && !line.contains(':')
                || line.starts_with("address")
        })
        .filter(|line| !line.starts_with("boards ="))
        .collect();
    assert!(settings.len() >= 10, "{settings:?}");
    let path = scratch.path("rtx.toml");
    fs::write(&path, settings.join("\n")).expect("written");
    let outcome = Run::native(checkout::binary("rtx"))
        .args(["config".into(), "--config".into(), path.into_os_string()])
        .finish();
    let shown = outcome.succeeded().stdout();
    assert!(
        shown.contains("ssh:pi") && shown.contains("rack-1"),
        "{shown}"
    );
}

#[test]
fn an_installation_without_commands_says_what_to_do() {
    let scratch = Scratch::new();
    let output = packaging("install")
        .env("BIN_DIR", scratch.work())
        .env("DESTDIR", scratch.path("root"))
        .output()
        .expect("started");
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("make build"), "{stderr}");
    assert!(!scratch.path("root").exists());
}

#[test]
fn the_debian_package_runs() {
    let scratch = Scratch::new();
    let output = run(packaging("deb").env("OUT", scratch.path("out")));
    let package = String::from_utf8(output.stdout).expect("UTF-8");
    let field = |name: &str| {
        let output = run(Command::new("dpkg-deb").args(["-f", package.trim(), name]));
        String::from_utf8(output.stdout)
            .expect("UTF-8")
            .trim()
            .to_owned()
    };
    assert_eq!(field("Package"), "rtx");
    assert_eq!(field("Version"), env!("CARGO_PKG_VERSION"));
    assert!(field("Depends").contains("libc6"), "{}", field("Depends"));
    let root = scratch.path("root");
    run(Command::new("dpkg-deb")
        .args(["-x", package.trim()])
        .arg(&root));
    works(&root.join("usr/bin"));
    assert!(root.join("usr/share/man/man1/rtx-run.1.gz").is_file());
}
