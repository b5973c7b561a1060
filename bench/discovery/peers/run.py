"""Runs one peer: `python run.py NAME URL CANDIDATES IN_FLIGHT SEED_PROGRAM`; needs that peer's package."""

import os
import runpy
import sys
import tempfile
from pathlib import Path

EVALUATOR = Path(__file__).parent / "evaluator.py"


def openevolve(url: str, candidates: int, together: int, seed: str) -> None:
    from openevolve import run_evolution
    from openevolve.config import Config, LLMModelConfig

    config = Config(max_iterations=candidates, diff_based_evolution=False, checkpoint_interval=10**6, log_level="ERROR")
    model = LLMModelConfig(name="stub", api_base=url, api_key="none", weight=1.0)
    config.llm.models = [model]
    config.llm.evaluator_models = [model]
    config.llm.update_model_params({"api_base": url, "api_key": "none", "retries": 0, "timeout": 60})
    config.evaluator.parallel_evaluations = together
    config.evaluator.cascade_evaluation = False
    run_evolution(seed, EVALUATOR, config=config, iterations=candidates)


def shinka(url: str, candidates: int, together: int, seed: str) -> None:
    from shinka.core import EvolutionConfig, ShinkaEvolveRunner
    from shinka.database import DatabaseConfig
    from shinka.launch import LocalJobConfig

    folder = tempfile.mkdtemp()
    evolution = EvolutionConfig(
        patch_types=["full"],
        patch_type_probs=[1.0],
        num_generations=candidates,
        max_patch_resamples=1,
        llm_models=[f"local/stub@{url}"],
        llm_dynamic_selection=None,
        llm_kwargs={"temperatures": [1.0], "max_tokens": 1000},
        meta_rec_interval=None,
        embedding_model=None,
        max_novelty_attempts=1,
        init_program_path=seed,
        results_dir=folder,
    )
    ShinkaEvolveRunner(
        evo_config=evolution,
        job_config=LocalJobConfig(eval_program_path=str(EVALUATOR)),
        db_config=DatabaseConfig(db_path="shinka.sqlite"),
        max_evaluation_jobs=together,
        max_proposal_jobs=together,
        verbose=False,
    ).run()


def gepa(url: str, candidates: int, together: int, seed: str) -> None:
    import urllib.request
    from json import dumps, load

    from gepa.optimize_anything import EngineConfig, GEPAConfig, ReflectionConfig, optimize_anything
    from gepa.strategies.proposal_sampling import PxNSampling

    measured = runpy.run_path(str(EVALUATOR))["measured"]
    scratch = Path(os.environ["SCRATCH"])

    def asked(prompt: object) -> str:
        body = dumps({"model": "stub", "messages": [{"role": "user", "content": str(prompt)}]}).encode()
        request = urllib.request.Request(f"{url}/chat/completions", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            return str(load(reply)["choices"][0]["message"]["content"])

    def score(candidate: str) -> tuple[float, dict[str, str]]:
        path = scratch / f"{abs(hash(candidate))}.py"
        path.write_text(candidate)
        return measured(str(path)), {"words": "go on"}

    config = GEPAConfig(
        engine=EngineConfig(
            max_candidate_proposals=candidates,
            max_metric_calls=10 * candidates,
            sampling_strategy=PxNSampling(4, together // 4),
            max_workers=together,
        ),
        reflection=ReflectionConfig(reflection_lm=asked),
    )
    optimize_anything(Path(seed).read_text(), evaluator=score, objective="A large number.", config=config)


if __name__ == "__main__":
    name, url, candidates, together, seed = sys.argv[1:]
    {"openevolve": openevolve, "shinka": shinka, "gepa": gepa}[name](url, int(candidates), int(together), seed)
