//! A board alone, with a program of two pages: threads that take up continuations, leave at points,
//! and go on with amended registers. The test plays home.

mod board_program;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use board_program::*;
use rtx_runtime::continuations::PARK;
use rtx_runtime::memory::PAGE;
use rtx_runtime::wire::PROTOCOL;
use rtx_runtime::wire::frame::Frame;
use rtx_runtime::wire::message::*;
use rtx_runtime::wire::session::{Session, Way, connect};

/// An agent, killed at the end.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Home, as far as a board needs it.
struct Home {
    _agent: Agent,
    session: Session,
    /// Which pages were granted, how often.
    granted: BTreeMap<u64, u32>,
}

impl Home {
    /// Greets a board of its own and prepares the program there.
    async fn begin() -> Home {
        let mut home = Self::greet().await;
        home.prepare(Some(POINTS));
        home
    }

    async fn greet() -> Home {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rtx-board"))
            .args(["--listen", "127.0.0.1:0", "--name", "b", "--quiet"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let agent = Agent(child);
        stdout.read_line(&mut line).unwrap();
        let address = line.trim_end().rsplit(' ').next().unwrap();
        let hello = Hello {
            protocol: PROTOCOL,
            role: Role::Session as i32,
            facts: Facts::collect(),
            ..Hello::default()
        };
        Home {
            session: connect(Way::to(address), hello).await.unwrap(),
            _agent: agent,
            granted: BTreeMap::new(),
        }
    }

    fn prepare(&mut self, points: Option<Points>) {
        self.say(Prepare {
            stub_address: 0x2_0000,
            stuck_after_ms: 0,
            points,
        });
        self.map(CODE, 1, 1 | 4, MapKind::Own);
        self.map(DATA, 1, 1 | 2, MapKind::Own);
        self.map(SHARED, THREADS, 1 | 2, MapKind::Tracked);
    }

    fn map(&mut self, start: u64, pages: u64, prot: u32, kind: MapKind) {
        self.say(Map {
            start,
            end: start + pages * PAGE,
            prot,
            kind: kind as i32,
        });
    }

    fn say(&mut self, message: impl Into<Message>) {
        let message: Message = message.into();
        self.session.outbox.push(message).unwrap();
    }

    fn grant(&mut self, page: u64) {
        let content = match page * PAGE {
            CODE => code(),
            DATA => vec![0; PAGE as usize],
            _ => memory(page - SHARED / PAGE),
        };
        let content = PageData::Bytes(content.into());
        *self.granted.entry(page).or_default() += 1;
        let grant = Grant::frame(page, true, false, false, [content]);
        self.session.outbox.push(grant).unwrap();
    }

    async fn frame(&mut self) -> Frame {
        let frame = tokio::time::timeout(Duration::from_secs(60), self.session.inbox.recv());
        let frame = frame.await.expect("the board says nothing");
        frame.expect("the board has hung up").unwrap()
    }

    /// The next message but page requests, which are granted.
    async fn hear(&mut self) -> Message {
        loop {
            let frame = self.frame().await;
            match frame.message {
                Message::Request(request) => {
                    for page in request.page..request.page + u64::from(request.window) {
                        self.grant(page);
                    }
                }
                Message::FaultTimes(_) => {}
                message => return message,
            }
        }
    }

    async fn context(&mut self) -> Context {
        match self.hear().await {
            Message::Context(context) => *context,
            other => panic!("not a context: {other:?}"),
        }
    }

    async fn call(&mut self) -> Call {
        match self.hear().await {
            Message::Call(call) => call,
            other => panic!("not a call: {other:?}"),
        }
    }

    /// Starts a thread at its continuation; the pages that a supervisor writes are there before.
    async fn start(&mut self, n: u64, part: Part) {
        if !self.granted.contains_key(&(DATA / PAGE)) {
            self.grant(DATA / PAGE);
        }
        let resume = Some(resume(n, part));
        self.start_as(Start {
            thread: n as u32,
            resume,
            ..Start::default()
        })
        .await;
    }

    async fn start_as(&mut self, start: Start) {
        let thread = start.thread;
        self.say(start);
        let heard = self.hear().await;
        assert_eq!(heard, Message::Started(Started { thread }));
    }

    fn recall(&mut self, n: u64, at_point: bool) {
        let thread = n as u32;
        self.say(Recall { thread, at_point });
    }

    /// A page's content on the board, which keeps it for reading, or not.
    async fn take(&mut self, page: u64, mode: TakeMode) -> Vec<u8> {
        let item = TakeItem {
            page,
            tag: 7,
            mode: mode as i32,
            optional: false,
        };
        self.say(Take { items: vec![item] });
        loop {
            let frame = self.frame().await;
            match frame.message {
                Message::Taken(taken) => {
                    let mut contents = taken.contents(frame.pages);
                    return match contents.next().unwrap().1 {
                        PageData::Bytes(bytes) => bytes.to_vec(),
                        PageData::Zero => vec![0; PAGE as usize],
                        PageData::None => panic!("the board has not got page {page:#x}"),
                    };
                }
                Message::FaultTimes(_) => {}
                other => panic!("not a page: {other:?}"),
            }
        }
    }

    /// The word and the table, as the board has them now. It can only read them from then on.
    async fn asked(&mut self) -> (u32, Vec<u64>) {
        let page = self.take(DATA / PAGE, TakeMode::Share).await;
        let word = |at: usize| u32::from_le_bytes(page[at..at + 4].try_into().unwrap());
        let entry = |i: usize| u64::from_le_bytes(page[16 + 8 * i..][..8].try_into().unwrap());
        (word(0), (0..word(12) as usize).map(entry).collect())
    }
}

#[tokio::test]
async fn a_thread_takes_up_its_continuation_and_leaves_at_a_point() {
    let mut home = Home::begin().await;
    // The second in the vessel that the first has spoilt.
    for n in [0, 1] {
        home.start(n, Part::Poll).await;
        home.recall(n, true);
        let context = home.context().await;
        assert_eq!(context.why(), Why::Parked, "{context:?}");
        let made = context.made.clone().unwrap();
        assert_eq!((made.nr, &made.args[..2]), (PARK, &[header(n), 256][..]));
        assert!(context.call.is_none());
        let page = home.take(page_of(n), TakeMode::Give).await;
        assert_eq!(read(&page, CONTROL), FRESH_CONTROL);
        assert_eq!((read(&page, VECTOR), read(&page, POINTER)), (0, pthread(n)));
        assert!(read(&page, TURNS) > 0);
    }
    assert_eq!(home.asked().await, (0, vec![]));
    let own = [CODE / PAGE, DATA / PAGE].map(|page| home.granted[&page]);
    assert_eq!(own, [1, 1], "a node's own pages are asked for once");
}

#[tokio::test]
async fn how_long_faults_took_is_told_while_the_thread_goes_on() {
    let mut home = Home::begin().await;
    home.start(0, Part::Poll).await;
    for token in 0.. {
        home.say(AskUsage { token });
        let mut told = Vec::new();
        let used = loop {
            let frame = home.frame().await;
            match frame.message {
                Message::Request(request) => home.grant(request.page),
                Message::FaultTimes(times) => told.extend(times.ns),
                Message::Usage(usage) => break usage,
                other => panic!("not of a thread that goes on: {other:?}"),
            }
        };
        assert_eq!(used.token, token);
        if !told.is_empty() {
            assert!(used.threads[0].faults >= told.len() as u64, "{used:?}");
            return;
        }
        assert!(token < 1000, "it has its page long since: {used:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn only_who_is_asked_leaves_and_what_is_asked_goes_with_it() {
    let mut home = Home::begin().await;
    for n in 0..3 {
        home.start(n, Part::Poll).await;
    }
    // A thread that is not there is asked in vain.
    home.recall(9, true);
    home.recall(1, true);
    let context = home.context().await;
    assert_eq!((context.thread, context.why()), (1, Why::Parked));
    // The others were looking all the while; they leave where they are.
    for n in [0, 2] {
        home.recall(n, false);
        let context = home.context().await;
        assert_eq!((context.thread, context.why()), (n as u32, Why::Recalled));
        assert!(context.made.is_none() && context.sp <= stack_top(n));
        assert!(context.sp > stack_top(n) - 64, "{:#x}", context.sp);
    }
    assert_eq!(home.asked().await, (0, vec![]));
}

#[tokio::test]
async fn a_thread_in_a_call_is_asked_until_it_is_taken_as_it_is() {
    let mut home = Home::begin().await;
    home.start(0, Part::Call).await;
    let call = home.call().await;
    assert_eq!(call.nr, libc::SYS_getppid);
    assert_eq!(call.ip, CODE + behind_call());
    assert!(call.sp < stack_top(0) && call.sp >= stack_top(0) - 16);
    home.recall(0, true);
    assert_eq!(home.asked().await, (1, vec![pthread(0)]));

    // Its page cannot be written any more, now that we have looked: once more from the beginning.
    let mut home = Home::begin().await;
    home.start(0, Part::Call).await;
    home.call().await;
    home.recall(0, true);
    home.recall(0, false);
    let context = home.context().await;
    assert_eq!(context.why(), Why::Recalled);
    assert_eq!(context.call.map(|call| call.nr), Some(libc::SYS_getppid));
    assert_eq!(home.asked().await, (0, vec![]));
}

#[tokio::test]
async fn a_thread_that_waits_in_a_call_leaves_after_it() {
    let mut home = Home::begin().await;
    home.start(0, Part::Call).await;
    let call = home.call().await;
    home.recall(0, true);
    home.say(CallReply {
        thread: 0,
        seq: call.seq,
        result: 1234,
    });
    // A call that only home can make comes first: it leaves for that, and nobody is asked any more.
    let context = home.context().await;
    assert_eq!(context.why(), Why::Call);
    let made = context.made.clone().unwrap();
    assert_eq!((made.nr, made.args[0]), (libc::SYS_clone, 0x123));
    assert_eq!((made.args[1], context.sp), (call.sp, call.sp));
    let amend = Some(Amend {
        result: Some(77),
        ..Amend::default()
    });
    let regs = context.regs.clone();
    let extended = context.extended.clone();
    home.start_as(Start {
        thread: 0,
        regs: regs.clone(),
        extended: extended.clone(),
        amend,
        ..Start::default()
    })
    .await;
    // Its child has its own page, and begins with what its maker had.
    let born = Some(Born {
        sp: header(1),
        thread_pointer: Some(pthread(1)),
    });
    let amend = Some(Amend {
        born,
        ..Amend::default()
    });
    home.start_as(Start {
        thread: 1,
        regs,
        extended,
        amend,
        ..Start::default()
    })
    .await;
    for n in [1, 0] {
        home.recall(n, true);
        let context = home.context().await;
        assert_eq!((context.thread, context.why()), (n as u32, Why::Parked));
        assert_eq!(context.made.clone().unwrap().args[0], header(n));
    }
    let page = home.take(page_of(0), TakeMode::Give).await;
    assert_eq!((read(&page, RESULT), read(&page, CHILD)), (1234, 77));
    let page = home.take(page_of(1), TakeMode::Give).await;
    assert_eq!((read(&page, POINTER), read(&page, CHILD)), (pthread(1), 0));
}

#[tokio::test]
async fn a_call_is_made_again_or_gets_its_result_elsewhere() {
    let mut home = Home::begin().await;
    home.start(0, Part::Call).await;
    for (again, result) in [(true, None), (false, None), (false, Some(5678))] {
        let call = home.call().await;
        home.recall(0, false);
        let context = home.context().await;
        assert_eq!(context.call.map(|call| call.seq), Some(call.seq));
        let amend = Some(Amend {
            again,
            result,
            ..Amend::default()
        });
        home.start_as(Start {
            thread: 0,
            regs: context.regs.clone(),
            extended: context.extended.clone(),
            amend,
            ..Start::default()
        })
        .await;
    }
    assert_eq!(home.context().await.why(), Why::Call);
    let page = home.take(page_of(0), TakeMode::Give).await;
    assert_eq!(read(&page, RESULT), 5678);
}

#[tokio::test]
async fn a_fault_tells_its_code_and_address() {
    let mut home = Home::begin().await;
    home.grant(DATA / PAGE);
    let nowhere = Resume {
        argument: 0x9_0000,
        ..resume(0, Part::Poll)
    };
    home.start_as(Start {
        thread: 0,
        resume: Some(nowhere),
        ..Start::default()
    })
    .await;
    let Message::MapRequest(request) = home.hear().await else {
        panic!("not a fault");
    };
    let (thread, addr) = (request.thread, request.addr);
    home.say(NoMap { addr, thread });
    let context = home.context().await;
    let (segv, not_mapped) = (libc::SIGSEGV, 1);
    assert_eq!((context.why(), context.signal), (Why::Fault, segv));
    assert_eq!((context.code, context.address), (not_mapped, 0x9_0040));
}

#[tokio::test]
async fn a_thread_cannot_be_asked_where_nobody_looks() {
    let mut home = Home::greet().await;
    home.prepare(None);
    home.start(0, Part::Poll).await;
    home.recall(0, true);
    let Message::Failed(failed) = home.hear().await else {
        panic!("it goes on");
    };
    assert!(failed.message.contains("has none"), "{}", failed.message);

    // Nor by pages that are not there.
    let mut home = Home::begin().await;
    home.granted.insert(DATA / PAGE, 0);
    home.start(0, Part::Call).await;
    home.call().await;
    home.recall(0, true);
    let Message::Failed(failed) = home.hear().await else {
        panic!("it goes on");
    };
    let expected = "cannot ask a thread to leave at a point";
    assert!(failed.message.contains(expected), "{}", failed.message);
}

#[tokio::test]
async fn what_home_may_not_send_ends_the_session() {
    let registers = Start {
        regs: bytes::Bytes::from_static(b"of another kind"),
        ..Start::default()
    };
    let in_call = Start {
        resume: Some(resume(0, Part::Poll)),
        pending_call: Some(PendingCall { seq: 1, nr: 0 }),
        ..Start::default()
    };
    let ours = Started { thread: 0 };
    for (message, expected) in [
        (
            Message::from(registers),
            "home sent registers of another kind",
        ),
        (in_call.into(), "home sent a continuation that is in a call"),
        (
            ours.into(),
            "home sent a Started message, which only boards send",
        ),
    ] {
        let mut home = Home::begin().await;
        home.say(message);
        let Message::Failed(failed) = home.hear().await else {
            panic!("it goes on");
        };
        assert!(failed.message.contains(expected), "{}", failed.message);
    }
}
