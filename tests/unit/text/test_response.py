"""Replies told apart: whole, and in pieces cut anywhere."""

import json
import random

import pytest

from gemtab.text.call_scanner import MalformedCallError, scan_call
from gemtab.text.chat_template import ChatTemplate
from gemtab.text.reply_reader import ReplyReader
from gemtab.text.response import Response, parse
from gemtab.text.stream_parser import StreamParser
from gemtab.text.tokenizer import Tokenizer
from gemtab_build.vocabulary.tokenizer_file import read_tokenizer_json

from .gemma4_template import gemma4_template
from .toy_tokenizers import trained

Q = '<|"|>'
WEATHER = (
    f"<|tool_call>call:get_weather{{city:{Q}Paris{Q},days:2,"
    f"opts:{{a:true,b:null,l:[1,{Q}x{Q}]}}}}<tool_call|>"
)


def call(name, **arguments):
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


PARIS = call("get_weather", city="Paris", days=2, opts={"a": True, "b": None, "l": [1, "x"]})

# raw reply: (thinking, text, tool calls, incomplete)
REPLIES = {
    "": (None, "", [], False),
    "Hello<turn|>": (None, "Hello", [], False),
    "Hello<eos>": (None, "Hello", [], False),
    "Hello": (None, "Hello", [], False),
    "  code\n<turn|>\n": (None, "  code\n", [], False),
    "a < b <| c |> d<": (None, "a < b <| c |> d<", [], False),
    "<|channel>thought\nhmm\n<channel|>Hello<turn|>": ("hmm", "Hello", [], False),
    "<|channel>thought\nhmm<channel|>\n\nHello": ("hmm", "Hello", [], False),
    "<|channel>thought\na\n\n b\n<channel|>c": ("a\n\n b", "c", [], False),
    "<|channel>thought\n<channel|>Hello": (None, "Hello", [], False),
    "<|channel>thought<channel|>Hello": (None, "Hello", [], False),
    "<|channel><channel|>Hello": (None, "Hello", [], False),
    "<|channel>plan\nhmm<channel|>Hello": ("plan\nhmm", "Hello", [], False),
    "<|channel>thought\na<channel|>b<|channel>thought\nc<channel|> d": ("a\n\nc", "b d", [], False),
    "<|channel>thought\nhm": ("hm", "", [], True),
    "<|channel>thou": (None, "", [], True),
    "<|channel>thought\nhm<turn|>": ("hm", "", [], True),
    f"<|channel>thought\nhm<channel|>{WEATHER}<|tool_response>": ("hm", "", [PARIS], False),
    f"<|channel>thought\nhm{WEATHER}": ("hm", "", [PARIS], False),
    f"Let me see.\n{WEATHER}": (None, "Let me see.", [PARIS], False),
    f"{WEATHER}<|tool_call>call:f{{}}<tool_call|>": (None, "", [PARIS, call("f")], False),
    f"{WEATHER}<|tool_response>response:f{{}}<tool_response|>20C.<turn|>": (
        *(None, "20C.", [PARIS], False),
    ),
    "<|tool_call>call:get_wea": (None, "", [], True),
    f"<|tool_call>call:f{{a:{Q}x": (None, "", [], True),
    f"<|tool_call>call:f{{a:{Q}x<turn|>": (None, "", [], True),
    "<|tool_call>nonsense<tool_call|>Sorry": (None, "Sorry", [], True),
    "<|tool_call>call:f{a:1<tool_call|>": (None, "", [], True),
    "<bos>Hello<pad><turn|>and more": (None, "Hello", [], False),
    "because<channel|>yes": ("because", "yes", [], False),
    "Hi <|chann": (None, "Hi <|chann", [], False),
}


@pytest.mark.parametrize(("raw", "want"), REPLIES.items(), ids=range(len(REPLIES)))
def test_parses(raw, want):
    response = parse(raw)

    thinking, text, calls, incomplete = want
    assert response.to_json() == {
        "thinking": thinking,
        "text": text,
        "tool_calls": calls,
        "incomplete": incomplete,
    }


@pytest.mark.parametrize("raw", REPLIES, ids=range(len(REPLIES)))
def test_pieces_cut_anywhere_say_the_same(raw):
    rng = random.Random(7)
    for length in (1, 2, 3, 5, 7, 11):
        parser = StreamParser(in_thought=raw.startswith("because"))
        events, at = [], 0
        while at < len(raw):
            step = rng.randint(1, length)
            events += parser.push(raw[at : at + step])
            at += step
        events += parser.finish()

        assert Response.of(events, parser.incomplete) == parse(raw)
        assert all(event.piece or event.call for event in events)


def test_a_reply_shows_as_it_comes():
    parser = StreamParser()
    shown = []
    for piece in (
        "<|chan",
        "nel>tho",
        "ught\nI th",
        "ink.\n<",
        "channel",
        "|>Yes",
        ", I <",
        "3 it",
    ):
        shown.append([(event.kind, event.piece) for event in parser.push(piece)])

    assert shown == [
        [],
        [],
        [("thinking", "I th")],
        [("thinking", "ink.")],
        [],
        [("text", "Yes")],
        [("text", ", I")],
        [("text", " <3 it")],
    ]


def test_what_cannot_be_parsed_is_kept():
    assert parse("<|tool_call>nonsense<tool_call|>").unparsed == ["nonsense"]
    assert parse(f"<|tool_call>call:f{{a:{Q}x").unparsed == [f"call:f{{a:{Q}x"]


ARGUMENTS = {
    f"a:{Q}}},:{{[]{Q}": {"a": "},:{[]"},
    "a:-3,b:2.5,c:-1.5e-3,d:1E5": {"a": -3, "b": 2.5, "c": -0.0015, "d": 100000.0},
    "a:true,b:false,c:null": {"a": True, "b": False, "c": None},
    "a:[],b:{},c:[[1],[{d:2}]]": {"a": [], "b": {}, "c": [[1], [{"d": 2}]]},
    f"{Q}a b{Q}:{Q}{Q}": {"a b": ""},
    'a:"x, \\"y\\"",b:bare word': {"a": 'x, "y"', "b": "bare word"},
    f" a : 1 ,\n b : {Q} x {Q} ": {"a": 1, "b": " x "},
    "a:1e999": {"a": "1e999"},
    f"a:{Q}<b>\n🙂{Q}": {"a": "<b>\n🙂"},
    "a.b:1,c-d:2": {"a.b": 1, "c-d": 2},
}


@pytest.mark.parametrize(("inside", "want"), ARGUMENTS.items(), ids=range(len(ARGUMENTS)))
def test_scans_arguments(inside, want):
    assert scan_call(f"call:f{{{inside}}}") == ("f", want)


@pytest.mark.parametrize(
    "body",
    [
        *(
            "",
            "f{}",
            "call:",
            "call:{}",
            "call:f{",
            "call:f}",
            "call:f{a}",
            "call:f{a:1",
            "call:f{a:[}",
        ),
        *(
            f"call:f{{a:{Q}x}}",
            'call:f{a:"x}',
            "call:f{}{}",
            "call:f{a:1 b:[2] c}x",
            "call:f{a:{b:1}",
        ),
        "call:f{a:" + "[" * 5000,
        "call:f{a:" + "{a:" * 5000,
        f"call:f{{a:{Q}x{Q}{Q}y{Q}}}",
    ],
)
def test_a_malformed_call_is_told_apart(body):
    with pytest.raises(MalformedCallError):
        scan_call(body)


def test_noise_never_crashes_and_loses_no_text():
    rng = random.Random(8)
    bits = [
        "<|tool_call>",
        "<tool_call|>",
        "<|channel>",
        "<channel|>",
        "call:f{",
        "}",
        ":",
        ",",
        "[",
        "]",
    ]
    bits += [
        Q,
        '"',
        "thought\n",
        "x",
        " ",
        "1",
        "<turn|>",
        "<|tool_response>",
        "<tool_response|>",
        "<",
    ]
    for _ in range(3000):
        raw = "".join(rng.choice(bits) for _ in range(rng.randrange(20)))
        json.dumps(parse(raw).to_json(), allow_nan=False)


def random_value(rng, depth=0):
    kinds = 7 if depth < 3 else 5
    match rng.randrange(kinds):
        case 0:
            return rng.choice([True, False, None])
        case 1:
            return rng.randrange(-1000, 1000)
        case 2:
            return rng.choice([0.5, -2.25, 1e-7, 1e22])
        case 3 | 4:
            return "".join(rng.choice('ab:,{}[]" \n🙂<|>') for _ in range(rng.randrange(8)))
        case 5:
            return [random_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {f"k{i}": random_value(rng, depth + 1) for i in range(rng.randrange(4))}


def test_what_the_template_writes_is_read_back():
    rng = random.Random(9)
    for _ in range(300):
        arguments = {f"key{i}": random_value(rng) for i in range(rng.randrange(4))}
        reply = Response("I think.", "I say.", [call("f", **arguments), call("g")])
        messages = [{"role": "user", "content": "?"}, reply.to_message()]
        text = gemma4_template().render(messages, thinking=True)
        _, _, raw = text.partition("<|turn>model\n")

        assert parse(raw).tool_calls == reply.tool_calls
        assert parse(raw).thinking == "I think."


def test_a_plain_message_goes_back_into_the_history():
    assert parse("Hi<turn|>").to_message() == {"role": "assistant", "content": "Hi"}
    message = parse(f"<|channel>thought\nhm<channel|>{WEATHER}").to_message()
    assert message["reasoning"] == "hm"
    assert message["tool_calls"] == [{"id": "call_0", **PARIS}]
    ChatTemplate("").render([message])


def reader(**options):
    toy = trained(600)
    toy.add_special_tokens(["<|tool_call>", "<tool_call|>", Q])
    tokenizer = Tokenizer(read_tokenizer_json(toy.to_str()))
    return tokenizer, ReplyReader(tokenizer, **options)


def test_ids_are_read_as_the_text_would_be():
    tokenizer, replies = reader()
    raw = f"<|channel>thought\nhm 🦜<channel|>Héllo 🦜{WEATHER}<turn|>"
    for token_id in tokenizer.encode(raw):
        replies.push([token_id])
    replies.finish()

    assert replies.response() == parse(raw)


def test_a_model_that_quotes_a_marker_calls_nothing():
    tokenizer, replies = reader()
    replies.push(tokenizer.encode_plain("Write <|tool_call>call:f{}<tool_call|>."))
    replies.finish()

    assert replies.response() == Response(text="Write <|tool_call>call:f{}<tool_call|>.")


def test_a_thought_may_begin_in_the_prompt():
    tokenizer, replies = reader(in_thought=True)
    replies.push(tokenizer.encode("thought\nhm<channel|>\nYes"))
    replies.finish()

    assert replies.response() == Response(thinking="thought\nhm", text="Yes")
