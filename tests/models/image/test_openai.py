"""Image models of servers: what is sent, what comes of it, and what each fault is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from PIL import Image

from loopwright.errors import (
    MissingContent,
    MissingExtra,
    MissingSecret,
    ModelError,
    ModelQuotaSpent,
    ModelRateLimited,
    ModelRejected,
    ModelUnauthorized,
    ModelUnavailable,
    UserError,
)
from loopwright.models import Endpoint, ModelOptions, Usage
from loopwright.models.image import ImageModel, ImageReply, ImageRequest, open_image_model
from tests.models.image.servers import (
    OLLAMA,
    OPENAI,
    SERVERS,
    VLLM_OMNI,
    ImageServer,
    ImageStub,
    answered,
    sent_pictures,
)
from tests.models.image.test_pixels import decoded, encoded, huge, picture
from tests.models.provider import (
    EMPTY,
    GARBAGE,
    HALF_STREAM,
    HTML,
    RESET_MID_BODY,
    Answer,
    Provider,
    Received,
    body,
    drip,
    events,
    fault,
    hang,
)

T = TypeVar("T")
KEY = "sk-canary-0123456789abcdef"
BLUE, RED = (0, 0, 255), (255, 0, 0)

every_server = pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)


class Store:
    """The artifacts of a run."""

    def __init__(self, **artifacts: bytes) -> None:
        self.held = dict(artifacts)

    async def read(self, reference: str) -> bytes:
        return self.held[reference]

    async def keep(self, data: bytes) -> str:
        reference = hashlib.sha256(data).hexdigest()
        self.held[reference] = data
        return reference


async def at(
    server: ImageServer, store: Store, use: Callable[[ImageModel], Awaitable[T]], **settings: Any
) -> tuple[T, list[Received]]:
    """Uses the model of a server that is an endpoint of the user's."""
    async with ImageStub(server).provider as provider:
        endpoint = Endpoint(base_url=provider.base_url, image_seeds=server is VLLM_OMNI, **settings)
        options = ModelOptions(endpoints={"mine": endpoint}, artifact=store.read, keep=store.keep)
        model = open_image_model(f"mine/{server.model}", options=options)
        try:
            return await use(model), provider.requests
        finally:
            await model.close()


def asked(prompt: str = "a red cube", **fields: Any) -> ImageRequest:
    return ImageRequest.model_validate({"model": "mine/m", "prompt": prompt, **fields})


ALL: dict[str, Any] = {"seed": 7, "steps": 20, "guidance": 4.5, "negative_prompt": "blue"}


@every_server
def test_a_picture_of_the_size_that_was_asked_for(server: ImageServer) -> None:
    store = Store()
    request = asked(width=96, height=64)
    reply, _ = asyncio.run(at(server, store, lambda model: model.generate(request)))
    (reference,) = reply.images
    drawn = decoded(store.held[reference])
    assert (drawn.format, drawn.mode, drawn.size) == ("PNG", "RGB", (96, 64))
    assert (reply.model, reply.blocked, reply.left_out) == (server.model, "", ())
    assert reply.usage == server.counted
    assert not reply.seed_honoured


def test_what_is_sent() -> None:
    request = asked(**ALL, width=96, height=64, count=2)
    _, (received,) = asyncio.run(at(VLLM_OMNI, Store(), lambda model: model.generate(request), body={"layers": 2}))
    assert received.path == "/v1/images/generations"
    assert received.body == {
        "model": "Qwen/Qwen-Image",
        "prompt": "a red cube",
        "response_format": "b64_json",
        "n": 2,
        "size": "96x64",
        "seed": 7,
        "num_inference_steps": 20,
        "guidance_scale": 4.5,
        "negative_prompt": "blue",
        "layers": 2,
    }


def test_what_is_not_set_is_left_to_the_server() -> None:
    _, (received,) = asyncio.run(at(VLLM_OMNI, Store(), lambda model: model.generate(asked())))
    assert set(received.body) == {"model", "prompt", "response_format"}


def test_refused_parameters_are_left_out_told_and_remembered() -> None:
    async def twice(model: ImageModel) -> list[ImageReply]:
        return [await model.generate(asked(**ALL)) for _ in range(2)]

    replies, received = asyncio.run(at(OPENAI, Store(), twice))
    for reply in replies:
        assert reply.left_out == ("guidance", "negative_prompt", "seed", "steps")
        assert not reply.seed_honoured
    assert len(received) == 1 + 5 + 1  # response_format is refused, too
    assert set(received[-1].body) == {"model", "prompt"}


def test_the_first_call_goes_alone_so_that_refusals_cost_one_call_each() -> None:
    async def at_once(model: ImageModel) -> list[ImageReply]:
        return await asyncio.gather(*(model.generate(asked(seed=1)) for _ in range(4)))

    replies, received = asyncio.run(at(OPENAI, Store(), at_once))
    assert [reply.left_out for reply in replies] == [("seed",)] * 4
    assert len(received) == 2 + 4


def test_a_field_of_the_endpoint_is_never_left_out() -> None:
    with pytest.raises(ModelRejected, match="Unknown parameter: 'seed'"):
        asyncio.run(at(OPENAI, Store(), lambda model: model.generate(asked()), body={"seed": 3}))


def test_a_seed_is_honoured_where_the_documentation_says_so() -> None:
    async def twice(model: ImageModel) -> list[ImageReply]:
        return [await model.generate(asked(seed=seed)) for seed in (3, 3, 4)]

    replies, _ = asyncio.run(at(VLLM_OMNI, Store(), twice))
    assert [reply.seed_honoured for reply in replies] == [True] * 3
    assert replies[0].images == replies[1].images != replies[2].images
    silent, _ = asyncio.run(at(OLLAMA, Store(), twice))
    assert [reply.seed_honoured for reply in silent] == [False] * 3


@every_server
def test_several_pictures_and_fewer_than_were_asked_for(server: ImageServer) -> None:
    reply, _ = asyncio.run(at(server, Store(), lambda model: model.generate(asked(count=3))))
    if server is OLLAMA:
        assert (len(reply.images), reply.left_out) == (1, ("count",))
    else:
        assert (len(set(reply.images)), reply.left_out) == (3, ())


def half_mask(size: tuple[int, int] = (64, 48)) -> bytes:
    """The left half is repainted."""
    mask = Image.new("L", size)
    mask.paste(255, (0, 0, size[0] // 2, size[1]))
    return encoded(mask)


@pytest.mark.parametrize("server", [OPENAI, VLLM_OMNI], ids=lambda server: server.name)
def test_an_edit_changes_what_the_mask_shows_and_nothing_else(server: ImageServer) -> None:
    store = Store(before=picture(), mask=half_mask())
    request = asked("make it blue", images=("before",), mask="mask")
    reply, received = asyncio.run(at(server, store, lambda model: model.edit(request)))
    after = decoded(store.held[reply.images[0]])
    assert (after.size, reply.left_out) == ((64, 48), ())
    assert (after.getpixel((0, 0)), after.getpixel((31, 47))) == (BLUE, BLUE)
    assert (after.getpixel((32, 0)), after.getpixel((63, 47))) == (RED, RED)
    last = received[-1]
    assert last.path == "/v1/images/edits"
    assert last.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert (last.body["prompt"], last.body["size"]) == ("make it blue", "64x48")
    assert last.body["image"] == [picture_as_sent(store.held["before"])]


def picture_as_sent(data: bytes) -> bytes:
    from loopwright.models.image import plain_picture

    return plain_picture(data)


def test_an_edit_without_a_mask_may_change_every_pixel() -> None:
    store = Store(before=picture())
    reply, _ = asyncio.run(at(VLLM_OMNI, store, lambda model: model.edit(asked(images=("before",), seed=1))))
    assert decoded(store.held[reply.images[0]]).getpixel((63, 47)) != RED


def test_several_pictures_to_edit_go_as_a_list() -> None:
    store = Store(one=picture(), two=picture((8, 8), "blue"))
    _, received = asyncio.run(at(OPENAI, store, lambda model: model.edit(asked(images=("one", "two")))))
    sizes = [decoded(data).size for data in received[-1].body["image[]"]]
    assert sizes == [(64, 48), (8, 8)]


def test_a_photo_that_was_held_sideways_is_edited_upright() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    store = Store(photo=picture(kind="JPEG", exif=turned), mask=half_mask((48, 64)))
    reply, _ = asyncio.run(at(OPENAI, store, lambda model: model.edit(asked(images=("photo",), mask="mask"))))
    assert decoded(store.held[reply.images[0]]).size == (48, 64)


def test_a_server_without_edits_is_told() -> None:
    store = Store(before=picture())
    with pytest.raises(ModelRejected, match="404 page not found"):
        asyncio.run(at(OLLAMA, store, lambda model: model.edit(asked(images=("before",)))))


@pytest.mark.parametrize(
    ("artifacts", "fields", "says"),
    [
        ({"before": b"a,b\n"}, {}, "a picture to edit cannot be used: it is no picture"),
        ({"before": picture()[:60]}, {}, "cannot be read"),
        ({"before": huge(14_200, 14_200)}, {}, "exceeds limit"),
        ({"mask": half_mask((48, 64))}, {"mask": "mask"}, "the mask has 48x64 pixels, and the picture 64x48"),
        ({"mask": b"white"}, {"mask": "mask"}, "it is no picture"),
        ({"mask": half_mask()}, {"mask": "mask", "width": 128, "height": 96}, "cannot change the picture's size"),
    ],
)
def test_what_cannot_be_edited_is_never_sent(artifacts: dict[str, bytes], fields: dict[str, Any], says: str) -> None:
    store = Store(**{"before": picture(), **artifacts})
    seen: list[Received] = []

    async def edit(model: ImageModel) -> ImageReply:
        return await model.edit(asked(images=("before",), **fields))

    async def go() -> None:
        async with ImageStub(OPENAI).provider as provider:
            options = ModelOptions(base_url=provider.base_url, api_key=KEY, artifact=store.read, keep=store.keep)
            model = open_image_model("openai/m", options=options)
            try:
                await edit(model)
            finally:
                seen.extend(provider.requests)
                await model.close()

    with pytest.raises(UserError, match=says):
        asyncio.run(go())
    assert seen == []


@dataclass(frozen=True)
class Case:
    answer: Answer
    error: type[ModelError]
    says: str


def noise(size: tuple[int, int] = (64, 48)) -> bytes:
    return encoded(Image.effect_noise(size, 60).convert("RGB"))


CASES = {
    "400": Case(fault(400, "Invalid size '96x64'.", param="size"), ModelRejected, "Invalid size"),
    "401": Case(fault(401, f"Incorrect API key provided: {KEY}"), ModelUnauthorized, "OPENAI_API_KEY"),
    "429": Case(fault(429, "slow down", Retry_After="7"), ModelRateLimited, "slow down"),
    "429 without credit": Case(fault(429, "no", code="billing_hard_limit_reached"), ModelQuotaSpent, "Add credit"),
    "404 of a path": Case(body(404, b"404 page not found"), ModelRejected, "the URL before /images/generations"),
    "413": Case(body(413, b"too large"), ModelRejected, "413"),
    "422": Case(body(422, b'{"detail": [{"loc": ["body", "prompt"], "msg": "bad"}]}'), ModelRejected, "prompt"),
    "500": Case(fault(500, "The server had an error"), ModelUnavailable, "The server had an error"),
    "503": Case(body(503, b'{"detail": "Diffusion engine not initialized."}'), ModelUnavailable, "Diffusion engine"),
    "error under status 200": Case(
        body(200, b'{"error": {"code": 429, "message": "upstream limit"}}'), ModelRateLimited, "upstream limit"
    ),
    "redirect": Case(body(302, b"", Location="http://127.0.0.1:9/v1"), ModelRejected, "redirects"),
    "half a body": Case(HALF_STREAM, ModelUnavailable, "peer closed"),
    "reset mid-body": Case(RESET_MID_BODY, ModelUnavailable, "127.0.0.1"),
    "garbage JSON": Case(GARBAGE, ModelUnavailable, "the answer is not pictures"),
    "JSON that is no object": Case(body(200, b"[1]"), ModelUnavailable, "it is no object"),
    "a web page": Case(HTML, ModelUnavailable, "Welcome to the proxy"),
    "empty body": Case(EMPTY, ModelUnavailable, "the answer is not pictures"),
    "events": Case(events({"type": "image"}), ModelUnavailable, "the answer is not pictures"),
    "hang": Case(hang, ModelUnavailable, "no reply within 0.3 s"),
    "a byte now and then": Case(drip, ModelUnavailable, "no reply within 0.3 s"),
    "no data": Case(answered(None), ModelUnavailable, "it holds no picture"),
    "empty data": Case(answered([]), ModelUnavailable, "it holds no picture"),
    "data that is no list": Case(answered(7), ModelUnavailable, "the answer is not pictures"),
    "an item that is no object": Case(answered(["x"]), ModelUnavailable, "a picture is missing"),
    "no base64": Case(answered([{"b64_json": "%%%"}]), ModelUnavailable, "the answer is not pictures"),
    "half of base64": Case(
        answered([{"b64_json": base64.b64encode(noise()).decode()[:1001]}]),
        ModelUnavailable,
        "the answer is not pictures",
    ),
    "not an image": Case(sent_pictures(b"<svg/>"), ModelUnavailable, "it is no picture"),
    "a truncated picture": Case(sent_pictures(noise((96, 64))[:2000]), ModelUnavailable, "cannot be read"),
    "another size": Case(sent_pictures(picture()), ModelRejected, "has 64x48 pixels, and 96x64 were asked for"),
    "200 megapixels": Case(sent_pictures(huge(14_200, 14_200)), ModelRejected, "exceeds limit"),
    "an address": Case(answered([{"url": "http://169.254.169.254/latest"}]), ModelRejected, "fetches nothing"),
}


def ask_openai(
    *answers: Answer, request: ImageRequest | None = None, timeout: float = 30.0
) -> tuple[ImageReply, list[Received]]:
    async def go() -> tuple[ImageReply, list[Received]]:
        async with Provider(*answers) as provider:
            store = Store()
            options = ModelOptions(
                base_url=provider.base_url, api_key=KEY, timeout=timeout, artifact=store.read, keep=store.keep
            )
            model = open_image_model("openai/the-model", options=options)
            seen.append(provider.requests)
            try:
                return await model.generate(request or asked(width=96, height=64)), provider.requests
            finally:
                await model.close()

    seen: list[list[Received]] = []
    return asyncio.run(go())


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_told_and_is_never_a_score(name: str) -> None:
    case = CASES[name]
    with pytest.raises(ModelError) as raised:
        ask_openai(case.answer, timeout=0.3 if case.answer in (hang, drip) else 30.0)
    error = raised.value
    assert type(error) is case.error
    assert case.says in str(error)
    assert not error.scored
    assert KEY not in str(error)
    assert error.__cause__ is None  # the library's error holds the request with its key


def test_retry_after_is_told() -> None:
    with pytest.raises(ModelRateLimited) as raised:
        ask_openai(CASES["429"].answer)
    assert raised.value.retry_after == 7


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopwright.models._bounds._LARGEST", 10_000)
    with pytest.raises(ModelRejected, match="more than 10,000 bytes"):
        ask_openai(body(200, b" " * 20_000))
    with pytest.raises(ModelUnavailable, match="500 out of order"):
        ask_openai(body(500, b"out of order" + b" " * 200_000))


MODERATED = (
    "Your request was rejected by the safety system. If you believe this is an error, contact us at help.example.test "
    "and include the request ID req_1. safety_violations=[violence]."
)


@pytest.mark.parametrize(
    "answer",
    [
        body(
            400,
            json.dumps(
                {
                    "error": {
                        "message": MODERATED,
                        "type": "image_generation_user_error",
                        "param": "",
                        "code": "moderation_blocked",
                        "moderation_details": {"moderation_stage": "input", "categories": ["violence"]},
                    }
                }
            ).encode(),
        ),
        fault(400, "This prompt is not allowed.", code="content_policy_violation"),
        body(
            400,
            b'{"error": {"code": "contentFilter", "message": "Your task failed as a result of our safety system."}}',
        ),
        body(200, b'{"error": {"code": "moderation_blocked", "message": "Not this."}}'),
    ],
    ids=["OpenAI", "OpenAI of before", "Azure", "under status 200"],
)
def test_a_picture_that_a_filter_refuses_is_an_outcome_and_no_error(answer: Answer) -> None:
    reply, received = ask_openai(answer)
    assert (reply.images, reply.model) == ((), "the-model")
    assert reply.blocked
    assert KEY not in reply.blocked
    assert "127.0.0.1" not in reply.blocked
    assert len(received) == 1


def test_the_words_of_a_filter_are_kept() -> None:
    reply, _ = ask_openai(fault(400, "This prompt is not allowed.", code="content_policy_violation"))
    assert reply.blocked.startswith("400 This prompt is not allowed.")


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_other_formats_are_read(kind: str) -> None:
    reply, _ = ask_openai(sent_pictures(picture((96, 64), kind=kind)))
    assert len(reply.images) == 1


def test_one_broken_picture_of_several_is_told() -> None:
    with pytest.raises(ModelUnavailable, match="it is no picture"):
        ask_openai(sent_pictures(picture(), b"x"), request=asked(count=2))


def test_a_refusal_that_names_a_field_in_words_alone_teaches_too() -> None:
    reply, received = ask_openai(
        fault(400, "no support for seed here"), sent_pictures(picture()), request=asked(seed=1)
    )
    assert (reply.left_out, len(received)) == (("seed",), 2)


def test_a_picture_of_another_size_is_paid_once() -> None:
    async def go() -> int:
        async with Provider(sent_pictures(picture())) as provider:
            model = open_image_model("openai/seed", options=ModelOptions(base_url=provider.base_url, api_key=KEY))
            with pytest.raises(ModelRejected):
                await model.generate(asked(width=96, height=64, seed=1))
            await model.close()
            return len(provider.requests)

    assert asyncio.run(go()) == 1


def test_more_pictures_than_were_asked_for_are_dropped() -> None:
    reply, _ = ask_openai(sent_pictures(picture((96, 64)), picture((96, 64), "blue")))
    assert len(reply.images) == 1


@pytest.mark.parametrize("usage", [None, 7, {"input_tokens": -1, "output_tokens": 4}, {"input_tokens": 4}])
def test_usage_that_cannot_be_is_no_usage(usage: Any) -> None:
    reply, _ = ask_openai(sent_pictures(picture((96, 64)), usage=usage))
    assert reply.usage == Usage()


def test_key_and_base_url_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> Received:
        async with ImageStub(OPENAI).provider as provider:
            monkeypatch.setenv("OPENAI_API_KEY", "key-of-environment")
            monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)
            monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
            store = Store()
            model = open_image_model("openai/gpt-image-2.5-flare", options=ModelOptions(keep=store.keep))
            await model.generate(asked())
            await model.close()
            return provider.requests[-1]

    received = asyncio.run(go())
    assert received.headers["authorization"] == "Bearer key-of-environment"
    assert received.headers["openai-organization"] == "org-1"
    assert received.body["model"] == "gpt-image-2.5-flare"


def test_an_endpoint_gets_its_own_headers_and_no_key_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("TEAM_TOKEN", "token-of-team")
    headers = {"X-Team": "${TEAM_TOKEN}"}
    _, (received,) = asyncio.run(at(VLLM_OMNI, Store(), lambda model: model.generate(asked()), headers=headers))
    assert received.headers["x-team"] == "token-of-team"
    assert KEY not in str(received.headers)
    assert not {"authorization", "openai-organization"} & set(received.headers)


def test_the_key_of_an_endpoint_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_KEY", "key-of-gallery")
    _, (received,) = asyncio.run(
        at(VLLM_OMNI, Store(), lambda model: model.generate(asked()), api_key_env="GALLERY_KEY")
    )
    assert received.headers["authorization"] == "Bearer key-of-gallery"


def test_built_in_endpoints_have_image_models() -> None:
    model = open_image_model("ollama/x/z-image-turbo")
    assert isinstance(model, ImageModel)
    assert model.name == "ollama/x/z-image-turbo"


def test_an_endpoint_of_another_api_is_refused() -> None:
    with pytest.raises(UserError, match="no endpoint 'anthropic' that speaks OpenAI's API"):
        open_image_model("anthropic/claude-opus-5")


def test_a_key_that_is_not_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(MissingSecret, match="openai/m needs an API key and OPENAI_API_KEY is not set"):
        open_image_model("openai/m")


def test_an_unknown_provider_is_told_with_those_that_there_are() -> None:
    with pytest.raises(MissingContent, match=r"openai.*OPENAI_BASE_URL"):
        open_image_model("nobody/paints")


def test_without_pillow_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtra, match=r"(?s)openai/m needs to read pictures.*loopwright\[images\]"):
        open_image_model("openai/m", options=ModelOptions(api_key=KEY))


def test_a_model_without_a_run_says_what_it_lacks() -> None:
    async def go() -> None:
        async with ImageStub(VLLM_OMNI).provider as provider:
            model = open_image_model("openai/m", options=ModelOptions(base_url=provider.base_url, api_key=KEY))
            try:
                with pytest.raises(UserError, match="without a way to read pictures"):
                    await model.edit(asked(images=("before",)))
                with pytest.raises(UserError, match="without a way to keep pictures"):
                    await model.generate(asked())
            finally:
                await model.close()

    asyncio.run(go())
