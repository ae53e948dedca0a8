//! One of each message, every field set, for the wire tests.
#![allow(dead_code, reason = "each test binary uses a part")]

use bytes::Bytes;
use rtx_runtime::memory::PAGE;
use rtx_runtime::wire::PROTOCOL;
use rtx_runtime::wire::facts::KERNEL_FEATURES;
use rtx_runtime::wire::message::*;

/// A machine on which everything fits.
pub fn facts() -> Facts {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let mut kernel_features: Vec<String> = KERNEL_FEATURES
        .iter()
        .map(|feature| feature.name.to_owned())
        .collect();
    kernel_features.sort();
    Facts {
        isa: "x86_64".into(),
        page_size: PAGE,
        kernel: "6.18.1".into(),
        kernel_features,
        cpu_features: names(&["avx", "avx2", "sse2"]),
        xsave: vec![XsaveComponent {
            bit: 2,
            offset: 576,
            bytes: 256,
        }],
        xsave_bytes: 832,
        vector_bytes: 0,
        clocks: "boot time:[1]".into(),
        address_bits: 47,
    }
}

pub fn hello() -> Hello {
    Hello {
        protocol: PROTOCOL,
        role: Role::Session as i32,
        token: Bytes::from_static(b"token"),
        facts: facts(),
        program: "matmul".into(),
        stub_address: 0x2_0000,
        insecure: true,
        other_isas: vec!["aarch64".into()],
        popcorn: true,
        nonce: Bytes::from_static(b"nonce"),
        proof: Bytes::from_static(b"proof"),
    }
}

pub fn welcome() -> Welcome {
    Welcome {
        protocol: PROTOCOL,
        facts: facts(),
        name: "b1".into(),
        slots: 4,
        cores: 8,
        token: Bytes::from_static(b"token"),
        proof: Bytes::from_static(b"proof"),
        memory_bytes: 1 << 30,
        labels: [("rack".into(), "3".into())].into(),
        speed_milli: 500,
        idle_mw: 3000,
        busy_mw: 9000,
    }
}

/// Each message with the pages that belong to it.
pub fn all() -> Vec<(Message, Vec<Bytes>)> {
    let page = Bytes::from(vec![0xa5; PAGE as usize]);
    let (regs, extended) = (Bytes::from_static(b"regs"), Bytes::from_static(b"extended"));
    let call = Some(PendingCall { seq: 3, nr: 202 });
    let bytes = PageKind::Bytes as i32;
    let plain: Vec<Message> = vec![
        hello().into(),
        welcome().into(),
        Refuse {
            reason: "full".into(),
            protocol: PROTOCOL,
        }
        .into(),
        Take {
            items: vec![TakeItem {
                page: 7,
                tag: 9,
                mode: TakeMode::Drop as i32,
                optional: true,
            }],
        }
        .into(),
        Map {
            start: PAGE,
            end: 2 * PAGE,
            prot: 3,
            kind: MapKind::Vdso as i32,
        }
        .into(),
        NoMap { addr: 5, thread: 6 }.into(),
        Mapped { thread: 6, addr: 5 }.into(),
        Unmap {
            start: PAGE,
            end: 3 * PAGE,
        }
        .into(),
        Protect {
            start: PAGE,
            end: 3 * PAGE,
            prot: 1,
        }
        .into(),
        Discard {
            start: PAGE,
            end: 3 * PAGE,
        }
        .into(),
        Start {
            thread: 6,
            regs: regs.clone(),
            extended: extended.clone(),
            pending_call: call,
            resume: Some(Resume {
                pc: 0x41_0000,
                thread_pointer: 0x7000,
                argument: 0x8000,
            }),
            amend: Some(Amend {
                result: Some(-11),
                again: true,
                born: Some(Born {
                    sp: 0x9000,
                    thread_pointer: Some(0xa000),
                }),
                jump: Some(Jump {
                    function: 0x41_0010,
                    first: 1,
                    second: 2,
                }),
            }),
        }
        .into(),
        Recall {
            thread: 6,
            at_point: true,
        }
        .into(),
        CallReply {
            thread: 6,
            seq: 3,
            result: -4,
        }
        .into(),
        Freeze {}.into(),
        Thaw {}.into(),
        Bye {
            reason: "done".into(),
        }
        .into(),
        Request {
            page: 7,
            write: true,
            window: 16,
            thread: 6,
        }
        .into(),
        MapRequest {
            thread: 6,
            addr: 5,
            write: true,
        }
        .into(),
        Call {
            thread: 6,
            seq: 3,
            nr: 1,
            args: vec![1, 2, 3, 4, 5, 6],
            ip: 7,
            sp: 8,
        }
        .into(),
        Context {
            thread: 6,
            why: Why::Fault as i32,
            signal: 11,
            regs,
            extended,
            call,
            cpu_ns: 12,
            faults: 13,
            calls: vec![CallCount { nr: 24, count: 3 }],
            sp: 0x9000,
            made: Some(Made {
                nr: 220,
                args: vec![1, 2, 3, 4, 5, 6],
            }),
            code: 1,
            address: 0x5000,
        }
        .into(),
        Started { thread: 6 }.into(),
        Usage {
            threads: vec![ThreadUsage {
                thread: 6,
                cpu_ns: 12,
                faults: 13,
                delay_ns: 14,
            }],
            token: 9,
        }
        .into(),
        Failed {
            message: "no memory".into(),
        }
        .into(),
        Prepare {
            stub_address: 0x2_0000,
            stuck_after_ms: 60_000,
            points: Some(Points {
                indicator: 0x50_0000,
                requests: 0x50_0008,
                foreign: true,
            }),
        }
        .into(),
        Describe {}.into(),
        State {
            complaint: "a page does not come".into(),
            text: "no threads".into(),
        }
        .into(),
        Trace {
            thread: 7,
            regs: Bytes::from_static(&[1; 216]),
            sp: 0x7fff_0000,
            stack: Bytes::from_static(&[2; 64]),
        }
        .into(),
        AskUsage { token: 9 }.into(),
        Barrier {
            token: 9,
            code: true,
        }
        .into(),
        BarrierMade { token: 9 }.into(),
        FaultTimes { ns: vec![1, 300] }.into(),
        Beat {
            seq: 1,
            sent_ns: 2,
            echo_ns: 3,
            load: Some(Load {
                runnable: 2,
                load_centi: 150,
                pressure: Some(Pressure {
                    avg10_centi: 1234,
                    total_us: 56,
                }),
                memory_free: Some(7 << 30),
                millijoules: Some(8),
                draining: true,
                cores: 9,
            }),
        }
        .into(),
    ];
    let grant = Grant {
        first_page: 7,
        write: true,
        prefetched: true,
        contended: true,
        kinds: Bytes::from_static(&[0, 1, 2]),
    };
    let item = TakenItem {
        tag: 9,
        kind: bytes,
        refused: false,
    };
    let taken = Taken {
        items: vec![item, item],
        deferred: true,
    };
    let mut all: Vec<_> = plain
        .into_iter()
        .map(|message| (message, Vec::new()))
        .collect();
    all.push((grant.into(), vec![page.clone()]));
    all.push((taken.into(), vec![page.clone(), page]));
    all
}
