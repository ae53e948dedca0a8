//! Standard streams are the program's own.

use rtx_tests::compare::{everywhere, same};
use rtx_tests::{Guest, Run, checkout};

/// Bytes without a pattern, the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut x = 1_u64;
    let mut next = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        x.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn input_and_output_pass_byte_by_byte() {
    let guest = Guest::test("copy_input");
    let input = noise(3_000_001);
    let runs = everywhere(guest.path(), |run| run.input(input.clone()));
    runs.native.succeeded();
    assert_eq!(runs.native.stdout_bytes(), input);
}

#[test]
fn input_comes_when_it_is_written() {
    let guest = Guest::test("copy_input");
    let mut run = Run::offloaded(guest.path()).open_input().start();
    for line in ["one\n", "two\n", "three\n"] {
        run.write(line);
        run.wait_for_output(line);
    }
    run.close_input();
    assert_eq!(run.finish().succeeded().stdout(), "one\ntwo\nthree\n");
}

#[test]
fn no_input_is_an_end_of_file() {
    let guest = Guest::test("copy_input");
    let runs = everywhere(guest.path(), |run| run);
    assert_eq!(runs.native.succeeded().stderr(), "0 bytes\n");
}

/// The program writes into a pipe that nobody reads any more, as in `program | head -n 1`.
fn into_head(prefix: &[&str], shell: &str) -> Run {
    let rtx_run = checkout::binary("rtx-run");
    let mut words = Vec::new();
    if !prefix.is_empty() {
        words.push(rtx_run.into_os_string());
        words.extend(prefix.iter().map(Into::into));
    }
    words.push(Guest::test("endless").path().into());
    let script = format!("{shell} {{ \"$@\"; echo \"status $?\" >&2; }} | head -n 1");
    Run::native("sh").args(["-c", &script, "sh"]).args(words)
}

const OFFLOADED: [&str; 5] = ["--policy", "static", "--boards", "local:2", "--"];

#[test]
fn a_broken_pipe_ends_the_program() {
    let native = into_head(&[], "").finish();
    assert!(native.stderr().contains("status 141"), "{native}");
    same(
        &native,
        &into_head(&["--policy", "never", "--"], "").finish(),
    );
    same(&native, &into_head(&OFFLOADED, "").finish());
}

#[test]
fn a_broken_pipe_is_an_error_where_the_signal_is_ignored() {
    let native = into_head(&[], "trap '' PIPE;").finish();
    assert!(native.stderr().contains("status 3"), "{native}");
    same(
        &native,
        &into_head(&["--policy", "never", "--"], "trap '' PIPE;").finish(),
    );
    same(&native, &into_head(&OFFLOADED, "trap '' PIPE;").finish());
}

#[test]
fn closed_streams_stay_closed() {
    let guest = Guest::test("inherit");
    let scratch = rtx_tests::scratch::Scratch::new();
    let arrange = |run: Run| {
        run.directory(scratch.work()).before_exec(|| {
            nix::unistd::close(0)?;
            Ok(())
        })
    };
    everywhere(guest.path(), arrange).native.succeeded();
}
