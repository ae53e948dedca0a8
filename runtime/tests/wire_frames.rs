//! Frames: there and back, and against peers that send nonsense.

mod wire_samples;

use bytes::Bytes;
use proptest::prelude::*;
use rtx_runtime::memory::PAGE;
use rtx_runtime::trace::snapshot::STACK_BYTES;
use rtx_runtime::wire::PROTOCOL;
use rtx_runtime::wire::frame::{Frame, FrameBuilder, FrameError, OutFrame};
use rtx_runtime::wire::limits::{FRAME_BYTES, FRAME_PAGES};
use rtx_runtime::wire::message::*;

const LENGTH_BYTES: usize = 4;

fn payload(frame: &OutFrame) -> Bytes {
    let bytes = frame.to_bytes();
    let length = u32::from_be_bytes(bytes[..LENGTH_BYTES].try_into().unwrap()) as usize;
    assert_eq!(
        (length, frame.len()),
        (bytes.len() - LENGTH_BYTES, bytes.len())
    );
    bytes.slice(LENGTH_BYTES..)
}

fn page(fill: u8) -> Bytes {
    vec![fill; PAGE as usize].into()
}

#[test]
fn every_message_comes_back_as_it_went() {
    let mut names = Vec::new();
    for (message, pages) in wire_samples::all() {
        let expected: Vec<u8> = pages.concat();
        let frame = Frame::decode(payload(&OutFrame::new(message.clone(), pages))).unwrap();
        assert_eq!(frame.message, message);
        assert_eq!(frame.pages, expected);
        names.push(message.name());
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 34, "one sample of each message");
}

/// Changing an encoding without raising PROTOCOL would make builds misunderstand each other.
#[test]
fn the_version_stands_for_these_encodings() {
    const PINNED: (u32, u64) = (8, 0x2fd3_5026_b362_4e73);
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let hash = wire_samples::all()
        .into_iter()
        .flat_map(|(message, pages)| OutFrame::new(message, pages).to_bytes())
        .fold(0xcbf2_9ce4_8422_2325, fnv);
    assert_eq!(
        (PROTOCOL, hash),
        PINNED,
        "an encoding has changed: raise PROTOCOL and pin ({}, {hash:#x})",
        PINNED.0 + 1
    );
}

/// The payload of a grant of two pages, with `packed` in place of them and a header that says so.
fn packed_grant(how: u8, packed: &[u8]) -> Bytes {
    let two = [PageData::Bytes(page(1)), PageData::Bytes(page(2))];
    let plain = payload(&Grant::frame(7, true, false, false, two));
    let header = &plain[1..plain.len() - 2 * PAGE as usize];
    let says = [0xa0, 0x06, how]; // field 100
    let length = [(header.len() + says.len()) as u8];
    [&length, header, &says, packed].concat().into()
}

#[test]
fn packed_pages_are_unpacked_and_bounded() {
    let both = [page(1), page(2)].concat();
    let packed = lz4_flex::block::compress(&both);
    let frame = Frame::decode(packed_grant(1, &packed)).unwrap();
    assert_eq!(frame.pages, both);
    // By columns of words of 8 bytes: a half page of each page.
    let frame = Frame::decode(packed_grant(2, &packed)).unwrap();
    assert_eq!(
        frame.pages,
        [1, 1, 1, 1, 2, 2, 2, 2].repeat(PAGE as usize / 4)
    );
    let longer = [&both[..], &[3]].concat();
    let bomb = vec![0; 1 << 30];
    for wrong in [&both[1..], &longer, &bomb, &[]] {
        let packed = lz4_flex::block::compress(wrong);
        for how in [1, 2] {
            let error = Frame::decode(packed_grant(how, &packed)).unwrap_err();
            assert!(matches!(error, FrameError::Packed { .. }), "{error}");
        }
    }
    let unknown = Frame::decode(packed_grant(3, &packed)).unwrap_err();
    assert!(matches!(unknown, FrameError::Packed { .. }), "{unknown}");
    let error = Frame::decode(packed_grant(1, &both)).unwrap_err();
    let says = "a Grant message comes with packed pages that are none";
    assert_eq!(error.to_string(), says);
}

proptest! {
    #[test]
    fn packed_nonsense_is_refused(how in 1u8..4, bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        let decoded = Frame::decode(packed_grant(how, &bytes));
        let whole = |frame: &Frame| frame.pages.len() == 2 * PAGE as usize;
        let refused = matches!(decoded, Err(FrameError::Packed { .. }));
        prop_assert!(refused || decoded.is_ok_and(|frame| whole(&frame)));
    }
}

#[test]
fn pages_are_slices_of_what_was_read() {
    let frame = Grant::frame(
        7,
        true,
        false,
        false,
        [PageData::Bytes(page(1)), PageData::Zero],
    );
    let payload = payload(&frame);
    let whole = payload.as_ptr_range();
    let frame = Frame::decode(payload).unwrap();
    assert!(whole.contains(&frame.pages.as_ptr()));
    let Message::Grant(grant) = &frame.message else {
        panic!("not a grant")
    };
    for (_, data) in grant.contents(frame.pages.clone()) {
        if let PageData::Bytes(bytes) = data {
            assert!(whole.contains(&bytes.as_ptr()));
        }
    }
}

#[test]
fn a_builder_makes_the_same_frame_in_one_buffer() {
    let kinds = Bytes::from_static(&[2, 1, 2, 2]);
    let grant = Grant {
        first_page: 1,
        write: false,
        prefetched: false,
        contended: false,
        kinds,
    };
    let mut builder = FrameBuilder::new(grant.clone());
    builder.page_slot(2).fill(3);
    builder.page_slot(1).fill(4);
    let pages = vec![page(3), page(3), page(4)];
    assert_eq!(
        builder.finish().to_bytes(),
        OutFrame::new(grant, pages).to_bytes()
    );
}

#[test]
#[should_panic(expected = "fewer pages than announced")]
fn a_builder_wants_all_its_pages() {
    let kinds = Bytes::from_static(&[2]);
    FrameBuilder::new(Grant {
        kinds,
        ..Grant::default()
    })
    .finish();
}

#[test]
#[should_panic(expected = "is longer than")]
fn a_frame_beyond_the_limit_is_never_made() {
    let _ = OutFrame::from(Bye {
        reason: "x".repeat(FRAME_BYTES),
    });
}

#[test]
#[should_panic(expected = "invalid count")]
fn a_frame_of_too_many_pages_is_never_made() {
    let pages = (0..=FRAME_PAGES).map(|_| PageData::Bytes(page(1)));
    Grant::frame(0, false, false, false, pages);
}

#[test]
fn a_truncated_frame_is_refused_wherever_it_ends() {
    for (message, pages) in wire_samples::all() {
        let whole = payload(&OutFrame::new(message, pages));
        for end in 0..whole.len() {
            assert!(Frame::decode(whole.slice(..end)).is_err());
        }
    }
}

#[test]
fn what_follows_a_frame_is_not_ignored() {
    let mut long = payload(&OutFrame::from(Recall {
        thread: 1,
        at_point: false,
    }))
    .to_vec();
    long.push(0);
    let error = Frame::decode(long.into()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a Recall message comes with 1 bytes of pages instead of 0"
    );
}

/// A header with one field out of bounds, made without the checks of the sending side.
fn refused(tag: u8, header: &impl prost::Message) -> FrameError {
    let inner = header.encode_to_vec();
    let mut message = Vec::new();
    prost::encoding::encode_varint(u64::from(tag) << 3 | 2, &mut message);
    prost::encoding::encode_varint(inner.len() as u64, &mut message);
    message.extend(inner);
    let mut payload = Vec::new();
    prost::encoding::encode_varint(message.len() as u64, &mut payload);
    payload.extend(message);
    Frame::decode(payload.into()).unwrap_err()
}

#[test]
fn a_field_out_of_bounds_is_named() {
    let take = TakeItem {
        page: 1,
        tag: 1,
        mode: 9,
        optional: false,
    };
    let range = Unmap {
        start: 1,
        end: PAGE,
    };
    let call = Call {
        args: vec![1; 5],
        ..Call::default()
    };
    let trace = Trace {
        stack: vec![0; STACK_BYTES + 1].into(),
        ..Trace::default()
    };
    let kinds = Bytes::from_static(&[3]);
    let last = Grant {
        first_page: u64::MAX,
        kinds: vec![0].into(),
        ..Grant::default()
    };
    let reversed = Map {
        start: 2 * PAGE,
        end: PAGE,
        prot: 1,
        kind: 0,
    };
    for (error, expected) in [
        (
            refused(11, &Take { items: vec![take] }),
            "a Take message has an invalid mode",
        ),
        (refused(15, &range), "a Unmap message has an invalid range"),
        (refused(12, &reversed), "a Map message has an invalid range"),
        (refused(43, &call), "a Call message has an invalid args"),
        (refused(59, &trace), "a Trace message has an invalid stack"),
        (
            refused(40, &Request::default()),
            "a Request message has an invalid window",
        ),
        (
            refused(
                10,
                &Grant {
                    kinds,
                    ..Grant::default()
                },
            ),
            "a Grant message has an invalid kind",
        ),
        (
            refused(10, &Grant::default()),
            "a Grant message has an invalid count",
        ),
        (refused(10, &last), "a Grant message has an invalid page"),
    ] {
        assert_eq!(error.to_string(), expected);
    }
    assert!(matches!(
        refused(99, &Freeze {}),
        FrameError::UnknownMessage
    ));
}

fn page_data() -> impl Strategy<Value = PageData> {
    prop_oneof![
        Just(PageData::None),
        Just(PageData::Zero),
        (1..=255u8).prop_map(|fill| PageData::Bytes(page(fill))),
    ]
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Frame::decode(bytes.into());
    }

    #[test]
    fn damaged_frames_never_panic(
        which: prop::sample::Index, at: prop::sample::Index, byte: u8, end: prop::sample::Index,
    ) {
        let (message, pages) = which.get(&wire_samples::all()).clone();
        let mut bytes = payload(&OutFrame::new(message, pages)).to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(bytes.len() - end.index(bytes.len()) % 8);
        if let Ok(frame) = Frame::decode(bytes.into()) {
            match &frame.message {
                Message::Grant(m) => drop(m.contents(frame.pages.clone()).count()),
                Message::Taken(m) => drop(m.contents(frame.pages.clone()).count()),
                Message::Call(m) => drop(m.arguments()),
                _ => {}
            }
        }
    }

    #[test]
    fn grants_and_takens_bring_each_page_its_own(
        first in 0..1u64 << 40, pages in prop::collection::vec(page_data(), 1..20),
    ) {
        let frame = Grant::frame(first, true, false, true, pages.clone());
        let frame = Frame::decode(payload(&frame)).unwrap();
        let Message::Grant(grant) = &frame.message else { panic!("not a grant") };
        let expected: Vec<_> = (first..).zip(pages.clone()).collect();
        prop_assert_eq!(grant.contents(frame.pages.clone()).collect::<Vec<_>>(), expected.clone());

        let frame = Frame::decode(payload(&Taken::frame(true, expected.clone()))).unwrap();
        let Message::Taken(taken) = &frame.message else { panic!("not a taken") };
        let got: Vec<_> =
            taken.contents(frame.pages.clone()).map(|(item, data)| (item.tag, data)).collect();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn calls_and_replies_keep_their_numbers(
        thread: u32, seq: u32, nr: i64, args: [u64; 6], result: i64,
    ) {
        let call = Call { thread, seq, nr, args: args.to_vec(), ip: args[0], sp: args[1] };
        let frame = Frame::decode(payload(&OutFrame::from(call.clone()))).unwrap();
        prop_assert_eq!(call.arguments(), args);
        prop_assert_eq!(frame.message, Message::Call(call));
        let reply = CallReply { thread, seq, result };
        let frame = Frame::decode(payload(&OutFrame::from(reply))).unwrap();
        prop_assert_eq!(frame.message, Message::CallReply(reply));
    }
}
