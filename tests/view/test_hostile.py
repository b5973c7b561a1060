"""Fifty hostile strings in every place that a model, a task or a folder's name can fill: they stay words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from loopwright.control import RunStatus
from loopwright.store import EpisodeFinished, EpisodeStarted, PersonAsked
from loopwright.types import Failure, Question
from tests.report import browser
from tests.report.builder import RunBuilder, Turn
from tests.view.asking import asking
from tests.view.conftest import Served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser.find() is None, reason=f"none of {', '.join(browser.PROGRAMS)} is installed"),
]
RUN = "hacked=parent.hacked=top.hacked=1"
HOSTILE = (
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"</title><script>{RUN}</script>",
    f"</style><script>{RUN}</script>",
    f"</textarea><script>{RUN}</script>",
    f"<!--<script>{RUN}</script>",
    f"--><script>{RUN}</script>",
    f"]]><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'"><img src=x onerror={RUN}>',
    f"'><img src=x onerror={RUN}>",
    f"<img src=x onerror={RUN}//",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<math><mtext></table><img src=x onerror={RUN}>",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<iframe src='javascript:{RUN}'></iframe>",
    f"<iframe srcdoc='<script>{RUN}</script>'></iframe>",
    f"<object data='javascript:{RUN}'></object>",
    f"<embed src='javascript:{RUN}'>",
    f"<a href='javascript:{RUN}'>x</a>",
    f"javascript:{RUN}",
    f"<body onload={RUN}>",
    f"<details open ontoggle={RUN}>x</details>",
    f"<input autofocus onfocus={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>",
    f"<marquee onstart={RUN}>x</marquee>",
    f"<select autofocus onfocus={RUN}>",
    f"<form action='javascript:{RUN}'><button>x</button></form>",
    "<link rel=stylesheet href=http://127.0.0.1:9/x.css>",
    "<style>@import url(http://127.0.0.1:9/x.css)</style>",
    "<img src=http://127.0.0.1:9/leak.png>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<base href=http://127.0.0.1:9/>",
    "<plaintext>",
    "<template><script>1</script></template>",
    "{{ 7 * 7 }} {% raw %} ${7 * 7} #{7 * 7}",
    "&lt;script&gt; &#60;script&#62; %3Cscript%3E \\u003cscript\\u003e",
    f"\u2028{RUN}\u2029{RUN}",
    f"\n\ndata: {RUN}\n\n",
    "\r\nevent: message\r\ndata: {}\r\n\r\n",
    "\u202egnp.exe \u2066hidden\u2069",
    "\x1b[31mred\x00\x07\x08",
    "\ud800 lone \udfff",
    "__proto__",
    "constructor",
    "../../etc/passwd",
    "#episode/?token=x&since=0",
)
ELEMENTS = "img, iframe, object, embed, link, base, meta[http-equiv=refresh], video, audio, svg script, form"
MADE = f"document.querySelectorAll('{ELEMENTS}').length"
VISITS = f"""(async () => {{
  const links = (selector, every) => [...document.querySelectorAll(selector)].map((one) => one.getAttribute("href")).filter((_, i) => i % every === 0);
  const bad = [];
  for (const place of [...links("#list tbody tr a", 1).slice(0, 51), ...links("#matrix .beside-link", 10)]) {{
    document.getElementById("episode").replaceChildren();
    location.hash = place;
    const until = Date.now() + 20000;
    while (!document.querySelector("#episode h1") && Date.now() < until) await new Promise((done) => setTimeout(done, 10));
    document.querySelectorAll("#episode details").forEach((part) => {{ part.open = true; }});
    await new Promise((done) => setTimeout(done, 20));
    if (!document.querySelector("#episode h1") || {MADE} || window.hacked) bad.push(place);
  }}
  return bad;
}})()"""  # noqa: E501 - it is JavaScript
"""Opens every episode, and some instances; gives those that are not shown, or as elements."""
QUESTION = Question(
    id="asked " + HOSTILE[9],
    episode=HOSTILE[8],
    iteration=0,
    about="decision",
    text="\n".join(HOSTILE),
    choices=("continue", "stop"),
)


def test_there_are_fifty() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) == 50


@pytest.fixture
def page(served: Served, tmp_path: Path) -> Iterator[browser.Page]:
    with browser.Page(tmp_path / "profile", timeout=300) as page:
        page.screen(1280, 900)
        page.open(served.address)
        yield page
        assert page.complaints == []


def _written(folder: Path) -> RunBuilder:
    run = RunBuilder(
        folder,
        variants=("refine", HOSTILE[0]),
        episodes=60,
        run="".join(HOSTILE[:4]),
        config={"tasks": [{"name": one} for one in HOSTILE[8:11]]},
    )
    for number, evil in enumerate(HOSTILE):
        words = {"text": evil, "output": evil, "critique": evil, "evidence": evil, "prompt": evil, "reply": evil}
        turn = Turn(0.5, **words, files={evil: evil}, why=evil, rule=evil, reasoning=evil, retried=evil)  # type: ignore[arg-type]  # texts
        run.episode([turn, Turn(1.0, parent=0, decision="stop")], task=evil, instance=f"{evil}{number}", goal=evil)
        run.episode([Turn(1.0, text=evil)], task=evil, instance=f"{evil}{number}", variant=HOSTILE[0], goal=evil)
    failed = {"cause": "model", "error": HOSTILE[1], "message": "\n".join(HOSTILE)}
    run.episode([Turn(0.5)], instance="failed", failed=failed)
    return run


def _own(page: browser.Page, served: Served) -> bool:
    asked = page.run("performance.getEntries().filter((one) => one.name.includes('//')).map((one) => one.name)")
    assert asked
    return all(str(one).startswith(served.root) for one in asked)


def test_hostile_strings_stay_words_on_every_page(served: Served, page: browser.Page) -> None:
    name = HOSTILE[8].replace("/", "") + "\"'\u202e"
    run = _written(served.runs / name)
    address = f"{served.root}runs/{quote(name, safe='')}/"
    page.open(served.root)
    page.settle(f"[...document.querySelectorAll('#runs a')].some((one) => one.innerText.startsWith({HOSTILE[8]!r}))")
    assert (page.run(MADE), page.run("window.hacked"), _own(page, served)) == (0, None, True)
    status = RunStatus(run="x", pid=1, state="running", concurrency=1, episodes={}, questions=(QUESTION,))
    with asking(run.folder, status, told="\n".join(HOSTILE), remedy=HOSTILE[8]):
        page.open(address)
        page.settle("document.querySelectorAll('#list tbody tr').length === 101")
        page.settle("document.querySelector('#numbers .abstract')")
        assert page.run(VISITS) == []
        assert (page.run(MADE), page.run("window.hacked")) == (0, None)
        # What comes while the page is open.
        started = {"task": HOSTILE[9], "instance": HOSTILE[10], "variant": HOSTILE[0], "repeat": 0}
        episode = "".join(HOSTILE[8:12])
        run.append(EpisodeStarted(**started, goal="", strategy="refine", models={}, seed=1), episode=episode)
        run.append(PersonAsked(question=QUESTION), episode=episode)
        page.settle("document.querySelector('#questions pre')")
        page.run("document.querySelector('#questions button').click()")
        page.settle("document.getElementById('steered').innerText.length > 100")
        failure = Failure(cause="model", error=HOSTILE[9], message=" ".join(HOSTILE))
        run.append(EpisodeFinished(status="failed", failure=failure), episode=episode)
        page.settle("document.querySelector('#live .failures').innerText.includes('2')")
        assert (page.run(MADE), page.run("window.hacked"), _own(page, served)) == (0, None, True)
    run.close()
    page.open(f"{served.root}compare?run={quote(name, safe='')}")
    assert "Differences" in str(page.run("document.body.innerText"))
    assert (page.run(MADE), page.run("window.hacked"), _own(page, served)) == (0, None, True)
