//! Sessions over loopback and over a stream in memory.

mod wire_samples;

use std::time::Duration;

use rtx_runtime::memory::PAGE;
use rtx_runtime::wire::limits::{FRAME_BYTES, GREETING_BYTES};
use rtx_runtime::wire::message::*;
use rtx_runtime::wire::outbox::OutboxError;
use rtx_runtime::wire::session::*;
use rtx_runtime::wire::transport::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire_samples::{facts, hello, welcome};

const ANY: &str = "127.0.0.1:0";

async fn listener() -> (Listener, String) {
    let listener = Listener::bind(ANY.parse().unwrap(), false).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Home's and the board's end of an agreed session.
async fn pair() -> (Session, Session) {
    let (listener, address) = listener().await;
    let board = async {
        let incoming = receive(listener.accept().await.unwrap().0).await.unwrap();
        incoming.judge("b1", &facts()).unwrap();
        incoming.welcome(welcome()).unwrap()
    };
    let (home, board) = tokio::join!(connect(Way::to(&address), hello()), board);
    (home.unwrap(), board)
}

fn full_page(fill: u8) -> PageData {
    PageData::Bytes(vec![fill; PAGE as usize].into())
}

#[tokio::test]
async fn a_session_carries_messages_and_pages_both_ways() {
    let (mut home, mut board) = pair().await;
    assert_eq!((&board.hello, &home.welcome), (&hello(), &welcome()));
    board
        .outbox
        .push(Request {
            page: 5,
            write: true,
            window: 3,
            thread: 0,
        })
        .unwrap();
    let request = home.inbox.recv().await.unwrap().unwrap();
    assert_eq!(request.message.name(), "Request");

    let pages = [full_page(1), PageData::Zero, full_page(2)];
    home.outbox
        .push(Grant::frame(5, true, false, false, pages.clone()))
        .unwrap();
    let frame = board.inbox.recv().await.unwrap().unwrap();
    let Message::Grant(grant) = &frame.message else {
        panic!("{frame:?}")
    };
    let got: Vec<_> = grant.contents(frame.pages.clone()).collect();
    assert_eq!(got, (5..).zip(pages).collect::<Vec<_>>());

    home.outbox
        .push(Bye {
            reason: "done".into(),
        })
        .unwrap();
    home.outbox.finish().await.unwrap();
    assert_eq!(
        board.inbox.recv().await.unwrap().unwrap().message.name(),
        "Bye"
    );
    assert!(board.inbox.recv().await.is_none());
}

#[tokio::test]
async fn what_one_side_counts_out_the_other_counts_in() {
    let (mut home, mut board) = pair().await;
    for _ in 0..10 {
        home.outbox
            .push(Grant::frame(5, true, false, false, [full_page(1)]))
            .unwrap();
        board.inbox.recv().await.unwrap().unwrap();
    }
    let (sent, got) = (home.counters.traffic(), board.counters.traffic());
    assert_eq!(
        (sent.bytes_out, sent.frames_out),
        (got.bytes_in, got.frames_in)
    );
    assert_eq!(sent.frames_out, 11);
    let payload = 10 * PAGE;
    assert!(
        (payload..payload + 1000).contains(&sent.bytes_out),
        "{sent:?}"
    );
}

/// No task of this runtime can run between the push and the look at the other end.
#[tokio::test(flavor = "current_thread")]
async fn a_push_on_an_idle_socket_goes_out_in_the_same_call() {
    let accepting = TcpListener::bind(ANY).await.unwrap();
    let address = accepting.local_addr().unwrap();
    // The other end is plain and blocking.
    let board = std::thread::spawn(move || {
        let stream = std::net::TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        stream
    });
    let (stream, _) = accepting.accept().await.unwrap();
    let mut peer = board.join().unwrap();
    let greeting = receive(Transport::tcp(stream).unwrap());
    let hello = rtx_runtime::wire::frame::OutFrame::from(hello()).to_bytes();
    std::io::Write::write_all(&mut peer, &hello).unwrap();
    let mut session = greeting.await.unwrap().welcome(welcome()).unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut received = vec![0; 1 << 16];
    let _ = std::io::Read::read(&mut peer, &mut received).unwrap();

    // More than the 128 operations that tokio grants a task a turn.
    for _ in 0..1000 {
        session
            .outbox
            .push(Recall {
                thread: 1,
                at_point: false,
            })
            .unwrap();
        assert_eq!(session.outbox.queued_bytes(), 0);
        assert!(std::io::Read::read(&mut peer, &mut received).unwrap() > 0);
    }
}

#[tokio::test]
async fn what_the_socket_does_not_take_is_sent_later_and_in_order() {
    let (mut home, mut board) = pair().await;
    const FRAMES: u64 = 64;
    for i in 0..FRAMES {
        let pages = (0..256).map(|_| full_page(i as u8 + 1));
        home.outbox
            .push(Grant::frame(i, false, true, false, pages))
            .unwrap();
    }
    assert!(
        home.outbox.queued_bytes() > 0,
        "loopback cannot hold all that"
    );
    let reading = async {
        for i in 0..FRAMES {
            let frame = board.inbox.recv().await.unwrap().unwrap();
            let Message::Grant(grant) = &frame.message else {
                panic!("{frame:?}")
            };
            assert_eq!(grant.first_page, i);
            assert!(frame.pages.iter().all(|byte| *byte == i as u8 + 1));
        }
        assert!(board.inbox.recv().await.is_none());
    };
    let (finished, ()) = tokio::join!(home.outbox.finish(), reading);
    finished.unwrap();
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_given_up() {
    let (mut home, _board) = pair().await;
    let error = (0..200)
        .find_map(|i| {
            let pages = (0..256).map(|_| full_page(1));
            home.outbox
                .push(Grant::frame(i, false, true, false, pages))
                .err()
        })
        .expect("the queue is bounded");
    assert!(matches!(error, OutboxError::Full { .. }), "{error}");
}

#[tokio::test]
async fn a_lost_peer_is_noticed_by_both_halves() {
    let (mut home, board) = pair().await;
    drop(board);
    assert!(!matches!(home.inbox.recv().await, Some(Ok(_))));
    for _ in 0..100 {
        if let Err(error) = home.outbox.push(Recall {
            thread: 1,
            at_point: false,
        }) {
            assert!(matches!(error, OutboxError::Broken(_)), "{error}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("pushes still succeed");
}

#[tokio::test]
async fn any_stream_will_do() {
    let (a, b) = tokio::io::duplex(1000);
    let board = async {
        let incoming = receive(Transport::of(b)).await.unwrap();
        let mut session = incoming.welcome(welcome()).unwrap();
        let frame = session.inbox.recv().await.unwrap().unwrap();
        (session, frame)
    };
    let home = async {
        let mut session = greet("b1", Transport::of(a), hello()).await.unwrap();
        session
            .outbox
            .push(Grant::frame(1, true, false, false, [full_page(9)]))
            .unwrap();
        session
    };
    let (_home, (_board, frame)) = tokio::join!(home, board);
    assert_eq!(frame.pages.len() as u64, PAGE);
}

#[tokio::test]
async fn a_refusal_reaches_the_user_in_the_boards_words() {
    let (listener, address) = listener().await;
    let board = async {
        let incoming = receive(listener.accept().await.unwrap().0).await.unwrap();
        incoming
            .refuse("board b1 is full; wait, or use another".into())
            .await;
    };
    let (home, ()) = tokio::join!(connect(Way::to(&address), hello()), board);
    let error = home.err().unwrap();
    assert!(matches!(error, ConnectError::Refused { .. }));
    assert_eq!(error.to_string(), "board b1 is full; wait, or use another");
}

#[tokio::test]
async fn home_judges_too() {
    let (listener, address) = listener().await;
    let board = async {
        let incoming = receive(listener.accept().await.unwrap().0).await.unwrap();
        let facts = Facts {
            page_size: 16384,
            ..facts()
        };
        incoming.welcome(Welcome { facts, ..welcome() }).unwrap()
    };
    let (home, _session) = tokio::join!(connect(Way::to(&address), hello()), board);
    let text = home.err().unwrap().to_string();
    assert!(
        text.starts_with("board b1 has pages of 16384 bytes"),
        "{text}"
    );
}

#[tokio::test]
async fn an_unreachable_board_is_named_with_the_fix() {
    let address = {
        let (_listener, address) = listener().await;
        address
    };
    let error = connect(Way::to(&address), hello()).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot reach board {address} at {address}; \
             start rtx-board there, and check its --listen address and the firewall"
        )
    );
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("refused"), "{source}");
}

/// An agent that was started for a job has a secret; who took its port has not.
#[tokio::test]
async fn an_impostor_is_found_out() {
    use rtx_runtime::wire::secret::Secret;
    let secret = Secret::new().unwrap();
    for honest in [true, false] {
        let (listener, address) = listener().await;
        let theirs = secret.clone();
        let board = async move {
            let (transport, _) = listener.accept().await.unwrap();
            let incoming = receive(transport).await.unwrap();
            let mut answer = welcome();
            if honest {
                theirs.sign_welcome(&incoming.hello, &mut answer);
            }
            incoming.welcome(answer).unwrap()
        };
        let way = Way {
            secret: Some(&secret),
            ..Way::to(&address)
        };
        let (home, _session) = tokio::join!(connect(way, hello()), board);
        match home {
            Ok(session) => assert!(honest && session.path.is_some()),
            Err(error) => {
                assert!(!honest, "{error}");
                assert!(matches!(error, ConnectError::Impostor { .. }), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn other_machines_need_insecure_on_both_sides() {
    let error = connect(Way::to("192.0.2.1:7100"), hello())
        .await
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "board 192.0.2.1:7100 is not on this machine (192.0.2.1:7100), and sessions are not \
         authenticated yet; give --insecure here and to rtx-board if the network is trusted"
    );
    let error = Listener::bind("0.0.0.0:0".parse().unwrap(), false)
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("--insecure"), "{error}");
    Listener::bind("0.0.0.0:0".parse().unwrap(), true)
        .await
        .unwrap();
}

#[tokio::test]
async fn something_else_than_a_board_is_told() {
    let server = TcpListener::bind(ANY).await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let web = async {
        let (mut stream, _) = server.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        stream
    };
    let (home, _stream) = tokio::join!(connect(Way::to(&address), hello()), web);
    let text = home.err().unwrap().to_string();
    assert_eq!(
        text,
        format!("what answers at {address} is not an rtx-board; check the port")
    );
}

#[tokio::test]
async fn strangers_get_no_more_than_a_greetings_room() {
    let (listener, address) = listener().await;
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_u32(GREETING_BYTES as u32 + 1).await.unwrap();
    let error = receive(listener.accept().await.unwrap().0)
        .await
        .err()
        .unwrap();
    assert!(matches!(error, IncomingError::NotHome(_)), "{error}");
    // We hang up.
    assert!(!matches!(stream.read(&mut [0; 8]).await, Ok(n) if n > 0));
}

#[tokio::test]
async fn a_frame_beyond_the_limit_ends_a_session() {
    let (listener, address) = listener().await;
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let greeting = rtx_runtime::wire::frame::OutFrame::from(hello()).to_bytes();
    stream.write_all(&greeting).await.unwrap();
    stream.write_u32(FRAME_BYTES as u32 + 1).await.unwrap();
    let incoming = receive(listener.accept().await.unwrap().0).await.unwrap();
    let mut session = incoming.welcome(welcome()).unwrap();
    let error = session.inbox.recv().await.unwrap().err().unwrap();
    assert_eq!(
        error.to_string(),
        format!("the other side sent a frame of more than {FRAME_BYTES} bytes")
    );
}

#[tokio::test]
async fn an_older_build_is_told_from_its_first_word() {
    let (listener, address) = listener().await;
    let board = async {
        let incoming = receive(listener.accept().await.unwrap().0).await.unwrap();
        let refusal = incoming.judge("b1", &facts()).unwrap_err();
        incoming.refuse(refusal.to_string()).await;
    };
    let old = Hello {
        protocol: 0,
        ..hello()
    };
    let (home, ()) = tokio::join!(connect(Way::to(&address), old), board);
    assert!(
        home.err()
            .unwrap()
            .to_string()
            .contains("install the same version of rtx on both")
    );
}

#[tokio::test]
async fn a_name_that_nobody_has_is_told() {
    // Too long for any name, so that nobody is asked.
    let board = format!("{}:7878", "x".repeat(100));
    let error = connect(Way::to(&board), hello()).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        format!("cannot find board {board}; check its name in --boards")
    );
}

#[tokio::test]
async fn who_hangs_up_is_told_on_both_sides() {
    let (listener, address) = listener().await;
    let board = async { drop(receive(listener.accept().await.unwrap().0).await.unwrap()) };
    let (home, ()) = tokio::join!(connect(Way::to(&address), hello()), board);
    assert_eq!(
        home.err().unwrap().to_string(),
        format!("board {address} ended the connection; see its log")
    );
    drop(TcpStream::connect(&address).await.unwrap());
    let error = receive(listener.accept().await.unwrap().0)
        .await
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "the caller hung up");
}

#[tokio::test]
async fn who_says_nothing_is_told_on_both_sides() {
    let (listener, address) = listener().await;
    let board = async { listener.accept().await.unwrap().0 };
    let (home, silent) = tokio::join!(connect(Way::to(&address), hello()), board);
    assert_eq!(
        home.err().unwrap().to_string(),
        format!("board {address} does not answer; check that rtx-board listens there")
    );
    drop(silent);
    let _caller = TcpStream::connect(&address).await.unwrap();
    let error = receive(listener.accept().await.unwrap().0)
        .await
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "the caller said nothing");
}

#[tokio::test]
async fn a_board_whose_isa_the_program_is_not_for_is_refused_by_both_sides() {
    let (home, there) = (
        Hello {
            popcorn: true,
            program: String::new(),
            other_isas: vec![],
            ..hello()
        },
        Facts {
            isa: "aarch64".into(),
            ..facts()
        },
    );
    let (listener, address) = listener().await;
    let judges = async {
        let incoming = receive(listener.accept().await.unwrap().0).await.unwrap();
        let refusal = incoming.judge("b1", &there).unwrap_err();
        incoming.refuse(refusal.to_string()).await;
    };
    let (refused, ()) = tokio::join!(connect(Way::to(&address), home.clone()), judges);
    let refused = refused.err().unwrap().to_string();
    let welcomes = async {
        let incoming = receive(listener.accept().await.unwrap().0).await.unwrap();
        let facts = there.clone();
        incoming.welcome(Welcome { facts, ..welcome() }).unwrap()
    };
    let (judged, _session) = tokio::join!(connect(Way::to(&address), home), welcomes);
    assert_eq!(judged.err().unwrap().to_string(), refused);
    assert!(refused.contains("Popcorn"), "{refused}");
}
