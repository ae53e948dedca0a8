//! What texts are policies, and what is said of those that are not.

use super::*;

fn files(path: &std::path::Path) -> Result<String, String> {
    match path.to_str().expect("ours") {
        "a.rhai" => Ok("fn decide(s) { [] }".to_owned()),
        "c.toml" => Ok(
            "chain = [\"guard-memory:free=1\", { policy = \"congestion\", horizon = \"3s\", \
                        assumed = 20, sticky = \"7ms\" }, { script = \"a.rhai\" }]"
                .to_owned(),
        ),
        "place.toml" => Ok(
            "chain = [{ policy = \"static\", placement = { 1 = \"b\", w = \"home\" } }]".to_owned(),
        ),
        "syntax.toml" => Ok("summary = \"x\"\nchain = [\n".to_owned()),
        "odd.toml" => Ok("chian = []\n".to_owned()),
        _ => Err("No such file or directory (os error 2)".to_owned()),
    }
}

fn parse(text: &str) -> Result<PolicySpec, String> {
    PolicySpec::parse(text, &files).map_err(|e| e.to_string())
}

#[test]
fn every_name_is_a_policy_of_that_name() {
    for policy in POLICIES {
        let built = by_name(policy.name).expect(policy.name);
        assert_eq!(built.name(), policy.name);
        assert_eq!(
            built.can_offload(),
            !["never", "guard-memory"].contains(&policy.name)
        );
    }
    assert!(POLICIES.is_sorted_by_key(|p| p.name));
}

#[test]
fn every_default_and_every_preset_is_understood() {
    for policy in POLICIES {
        for p in policy.parameters.iter().chain(COMMON) {
            assert!(p.kind.admits(p.default), "{} of {}", p.name, policy.name);
            assert!(!p.effect.ends_with('.'), "{}", p.effect);
        }
        let mut names: Vec<_> = policy
            .parameters
            .iter()
            .chain(COMMON)
            .map(|p| p.name)
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), policy.parameters.len() + COMMON.len());
    }
    for preset in PRESETS {
        by_name(preset.name).expect(preset.name);
        assert!(!preset.summary().is_empty(), "{}", preset.name);
        assert!(info(preset.name).is_none(), "{}", preset.name);
    }
    assert!(PRESETS.is_sorted_by_key(|p| p.name));
}

#[test]
fn parameters_are_set_by_name_or_in_turn() {
    let spec = parse("congestion:horizon=2.5s,margin=7").expect("understood");
    assert_eq!(spec.chain[0].parameters.ms("horizon"), 2500);
    assert_eq!(spec.chain[0].parameters.share("margin"), 0.07);
    assert_eq!(spec.chain[0].parameters.ms("tick"), 100, "a default");
    let spec = parse("shuffle:42:5").expect("understood");
    assert_eq!(spec.chain[0].parameters.count("seed"), 42);
    assert_eq!(spec.chain[0].parameters.count("mean"), 5);
    assert_eq!(spec.build().expect("built").name(), "shuffle:42:5");
}

#[test]
fn chains_and_files_are_put_together() {
    let spec = parse("c.toml+never").expect("understood");
    let names: Vec<&str> = spec.chain.iter().map(|l| l.policy.as_str()).collect();
    assert_eq!(names, ["guard-memory", "congestion", "a.rhai", "never"]);
    assert_eq!(spec.chain[0].parameters.bytes("free"), 1 << 20);
    assert_eq!(spec.chain[1].parameters.share("assumed"), 0.2);
    assert_eq!(spec.at_sync(), Some(AtSync::StickyMs(7)));
    let spec = parse("place.toml").expect("understood");
    let pairs = spec.chain[0].parameters.pairs("placement");
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(pairs, [("1", "b"), ("w", "home")]);
}

#[test]
fn what_is_wrong_is_named() {
    let known = "balance, congestion, energy, guard-memory, manual, never, shuffle, static; presets are busy-server, \
                 fast-network, save-energy, slow-network, small-boards";
    let cases = [
        ("foo", format!("unknown policy \"foo\": known policies are {known}")),
        ("", format!("no policy is named. Known policies are {known}")),
        ("never+", format!("no policy is named. Known policies are {known}")),
        ("static:1", "parameter placement of policy static cannot be \"1\": it must be pairs KEY@VALUE joined by /, \
          such as 1@rack-3/2@home".to_owned()),
        ("shuffle:x", "parameter seed of policy shuffle cannot be \"x\": it must be a whole number from 0 on".to_owned()),
        ("shuffle:7:0", "parameter mean of policy shuffle cannot be \"0\": it must be a whole number from 1 to 60000".to_owned()),
        ("shuffle:7:8:9", "policy shuffle has no parameter \"9\": it has no more than 2 of its own".to_owned()),
        ("never:x=1", "policy never has no parameter \"x\": it has return, sticky".to_owned()),
        ("no.rhai", "cannot read no.rhai: No such file or directory (os error 2)".to_owned()),
        ("odd.toml", "odd.toml: unknown key chian: it has summary and chain".to_owned()),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text).expect_err(text), expected);
    }
    let syntax = parse("syntax.toml").expect_err("syntax");
    assert!(syntax.starts_with("syntax.toml:"), "{syntax}");
    assert!(
        parse("energy:watts=home@60").is_ok_and(|s| s.build().is_err()),
        "one figure"
    );
}

#[test]
fn a_spec_survives_a_recording() {
    let spec = parse("c.toml").expect("understood");
    let text = serde_json::to_string(&spec).expect("written");
    assert_eq!(
        serde_json::from_str::<PolicySpec>(&text).expect("read"),
        spec
    );
}

#[test]
fn times_and_amounts_are_read_with_their_units() {
    let time = Kind::Time(1, 2000);
    for good in ["1", "1ms", "2s", "1.5s", "2000"] {
        assert!(time.admits(good), "{good}");
    }
    for bad in ["", "0", "2001ms", "-1", "1.5ms", "1m", "NaN", "infs"] {
        assert!(!time.admits(bad), "{bad}");
    }
    assert!(
        Kind::Percent.admits("12.5%")
            && !Kind::Percent.admits("101")
            && !Kind::Percent.admits("inf")
    );
    assert!(Kind::MiB.admits("2GiB") && !Kind::MiB.admits("2G"));
    assert!(Kind::Pairs.admits("a@b/c@d") && !Kind::Pairs.admits("a@") && !Kind::Pairs.admits("/"));
}
