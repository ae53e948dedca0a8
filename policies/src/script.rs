//! Policies that users write, in Rhai (<https://rhai.rs>).
//!
//! A script has a function `decide(snapshot)` that gives a list of `#{ tid: .., to: .., reason: ".." }`,
//! `to` being a board's id or `"home"`. The snapshot is [`Snapshot`] with its own names; a thread's
//! `place` is `"home"` or a board's id, and what is not told is `()`. `this` is a map that stays from
//! call to call. If there is a function `tick_ms()`, it tells the time between two looks.
//!
//! A script sees nothing but the snapshot: no clock, no files, no other modules; what it may compute and
//! keep is limited. So it decides the same on the same snapshots. When it fails, its threads come home
//! and stay there.

use std::time::Duration;

use rhai::packages::{
    BasicArrayPackage, BasicMapPackage, BasicMathPackage, CorePackage, LogicPackage,
    MoreStringPackage, Package,
};
use rhai::serde::to_dynamic;
use rhai::{AST, CallFnOptions, Dynamic, Engine, EvalAltResult, Map, Position, Scope};

use crate::{Decision, Place, Policy, Snapshot};

/// Operations of one call, and on top for each thread and board.
const OPERATIONS: u64 = 200_000;
const OPERATIONS_EACH: u64 = 2_000;
/// Calls within calls.
const LEVELS: usize = 32;
/// Expressions within expressions.
const DEPTH: usize = 64;
/// Bytes of one text.
const TEXT: usize = 1 << 16;
/// Members of one array or map, those of its members included, and on top for each thread and board. Each
/// change of one counts them all: few keep that short.
const MEMBERS: usize = 4096;
const MEMBERS_EACH: usize = 64;
/// Names at once.
const NAMES: usize = 256;
/// Milliseconds between two looks, if the script does not say.
const TICK_MS: i64 = 100;

/// A policy that is a script.
pub struct Script {
    path: String,
    engine: Engine,
    /// `None`: it has failed.
    ast: Option<AST>,
    state: Dynamic,
    tick: Duration,
    complaint: Option<String>,
}

impl Script {
    /// Takes up a script. One that is wrong has failed from the beginning.
    pub(crate) fn new(path: &str, source: &str) -> Self {
        let mut script = Self {
            path: path.to_owned(),
            engine: engine(),
            ast: None,
            state: Map::new().into(),
            tick: Duration::from_millis(TICK_MS as u64),
            complaint: None,
        };
        match script.engine.compile(source) {
            Ok(ast) => {
                script.ast = Some(ast);
                script.begin();
            }
            Err(error) => script.fail(error.position(), &error.err_type().to_string()),
        }
        script
    }

    /// Looks for the functions.
    fn begin(&mut self) {
        let Some(ast) = &self.ast else { return };
        let has = |name: &str, count: usize| {
            let mut all = ast.iter_functions();
            all.any(|f| f.name == name && f.params.len() == count)
        };
        let (decides, ticks) = (has("decide", 1), has("tick_ms", 0));
        if !decides {
            self.fail(Position::NONE, "there is no function decide(snapshot)");
        } else if ticks {
            match self.call::<i64>("tick_ms", ()).map_err(Failure::from) {
                Ok(ms) if (10..=60_000).contains(&ms) => {
                    self.tick = Duration::from_millis(ms as u64);
                }
                Ok(ms) => {
                    let what = format!("tick_ms() is {ms}, it must be from 10 to 60000");
                    self.fail(Position::NONE, &what);
                }
                Err(Failure(at, what)) => self.fail(at, &what),
            }
        }
    }

    fn call<T: Clone + Send + Sync + 'static>(
        &mut self,
        name: &str,
        args: impl rhai::FuncArgs,
    ) -> Result<T, Box<EvalAltResult>> {
        let ast = self.ast.as_ref().expect("callers have looked");
        let options = CallFnOptions::new()
            .eval_ast(false)
            .bind_this_ptr(&mut self.state);
        self.engine
            .call_fn_with_options(options, &mut Scope::new(), ast, name, args)
    }

    fn fail(&mut self, at: Position, what: &str) {
        let place = match (at.line(), at.position()) {
            (Some(line), Some(column)) => format!(":{line}:{column}"),
            (Some(line), None) => format!(":{line}"),
            _ => String::new(),
        };
        self.ast = None;
        self.complaint = Some(format!(
            "policy {}{place}: {what}. The job goes on under policy never",
            self.path
        ));
    }

    fn run(&mut self, snapshot: &Snapshot) -> Result<Vec<Decision>, Failure> {
        limit(
            &mut self.engine,
            snapshot.threads.len() + snapshot.boards.len(),
        );
        let answer: Dynamic = self.call("decide", (shown(snapshot)?,))?;
        let Some(list) = answer.try_cast::<rhai::Array>() else {
            let what = "decide(snapshot) must give a list of decisions".to_owned();
            return Err(Failure(Position::NONE, what));
        };
        let mut decisions = Vec::new();
        for (index, item) in list.into_iter().enumerate() {
            let decision = understood(item).map_err(|what| {
                let what = format!("decision {} of decide(snapshot) {what}", index + 1);
                Failure(Position::NONE, what)
            })?;
            if is_possible(&decision, snapshot, &decisions) {
                decisions.push(decision);
            }
        }
        Ok(decisions)
    }
}

/// What is wrong with a script, and where.
struct Failure(Position, String);

impl From<Box<EvalAltResult>> for Failure {
    fn from(error: Box<EvalAltResult>) -> Self {
        // Of calls within calls, the innermost tells most.
        let inner = error.unwrap_inner();
        let at = [inner.position(), error.position()];
        let at = at.into_iter().find(|p| !p.is_none());
        let text = inner.to_string();
        let what = text
            .find(" (line ")
            .map_or(text.as_str(), |end| &text[..end]);
        Self(at.unwrap_or(Position::NONE), what.to_owned())
    }
}

/// Limits what one call may compute and keep.
fn limit(engine: &mut Engine, things: usize) {
    let members = MEMBERS + MEMBERS_EACH * things;
    engine.set_max_operations(OPERATIONS + OPERATIONS_EACH * things as u64);
    engine.set_max_array_size(members);
    engine.set_max_map_size(members);
}

fn engine() -> Engine {
    let mut engine = Engine::new_raw();
    for module in [
        CorePackage::new().as_shared_module(),
        LogicPackage::new().as_shared_module(),
        BasicMathPackage::new().as_shared_module(),
        BasicArrayPackage::new().as_shared_module(),
        BasicMapPackage::new().as_shared_module(),
        MoreStringPackage::new().as_shared_module(),
    ] {
        engine.register_global_module(module);
    }
    // A policy that waits would hold up the program.
    engine.register_fn("sleep", |_: i64| no_sleep());
    engine.register_fn("sleep", |_: f64| no_sleep());
    engine.disable_symbol("eval");
    engine.set_max_call_levels(LEVELS);
    engine.set_max_expr_depths(DEPTH, DEPTH);
    engine.set_max_string_size(TEXT);
    engine.set_max_variables(NAMES);
    engine.set_max_functions(NAMES);
    limit(&mut engine, 0);
    engine
}

fn no_sleep() -> Result<(), Box<EvalAltResult>> {
    Err("a policy must not sleep".into())
}

/// The snapshot as the script sees it.
fn shown(snapshot: &Snapshot) -> Result<Dynamic, Box<EvalAltResult>> {
    let mut shown = to_dynamic(snapshot)?;
    let mut map = shown.write_lock::<Map>().expect("a struct is a map");
    if let Some(mut threads) = map
        .get_mut("threads")
        .and_then(|t| t.write_lock::<rhai::Array>())
    {
        for (shown, thread) in threads.iter_mut().zip(&snapshot.threads) {
            if let Some(mut shown) = shown.write_lock::<Map>() {
                shown.insert("place".into(), place(thread.place));
            }
        }
    }
    if let Some(mut requests) = map
        .get_mut("requests")
        .and_then(|r| r.write_lock::<rhai::Array>())
    {
        for (shown, request) in requests.iter_mut().zip(&snapshot.requests) {
            if let Some(mut shown) = shown.write_lock::<Map>() {
                shown.insert("to".into(), place(request.to));
            }
        }
    }
    drop(map);
    Ok(shown)
}

fn place(place: Place) -> Dynamic {
    match place {
        Place::Home => "home".into(),
        Place::Board(id) => i64::from(id).into(),
    }
}

/// A decision out of a script's map, or what is wrong with that.
fn understood(item: Dynamic) -> Result<Decision, String> {
    let map = item
        .try_cast::<Map>()
        .ok_or("is no map #{ tid: .., to: .., reason: \"..\" }")?;
    let tid = map.get("tid").and_then(|t| t.as_int().ok());
    let tid = tid
        .and_then(|t| i32::try_from(t).ok())
        .ok_or("has no tid")?;
    let reason = map.get("reason").map(ToString::to_string);
    let reason = reason.filter(|r| !r.is_empty()).ok_or("has no reason")?;
    let to = map.get("to").ok_or("does not say where to")?;
    if to
        .clone()
        .into_immutable_string()
        .is_ok_and(|to| to == "home")
    {
        return Ok(Decision::recall(tid, reason));
    }
    let board = to.as_int().ok().and_then(|id| u8::try_from(id).ok());
    let board =
        board.ok_or_else(|| format!("goes to {to}: it must be the id of a board or \"home\""))?;
    Ok(Decision::offload(tid, board, reason))
}

/// Whether a decision can be carried out after those before it.
fn is_possible(decision: &Decision, snapshot: &Snapshot, before: &[Decision]) -> bool {
    let thread = snapshot.threads.iter().find(|t| t.tid == decision.tid);
    let Some(thread) = thread.filter(|_| before.iter().all(|d| d.tid != decision.tid)) else {
        return false;
    };
    match decision.action {
        crate::Action::Offload { board } => {
            let sent = before
                .iter()
                .filter(|d| d.action == decision.action)
                .count();
            let free = snapshot
                .board(board)
                .map_or(0, crate::BoardLoad::free_slots);
            thread.may_leave() && (free as usize) > sent
        }
        _ => thread.may_return().is_some(),
    }
}

impl Policy for Script {
    fn name(&self) -> &str {
        &self.path
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        if self.ast.is_some() {
            match self.run(snapshot) {
                Ok(decisions) => return decisions,
                Err(Failure(at, what)) => self.fail(at, &what),
            }
        }
        let away = snapshot.threads.iter().filter(|t| t.may_return().is_some());
        let reason = || format!("policy {} has failed", self.path);
        away.map(|t| Decision::recall(t.tid, reason())).collect()
    }

    fn wants_ticks(&self) -> Option<Duration> {
        Some(self.tick)
    }

    fn complaint(&mut self) -> Option<String> {
        self.complaint.take()
    }
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
