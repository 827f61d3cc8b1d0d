"""What the planner does, one thing after the other, and what it makes of what happens meanwhile."""

import pytest
from tests.unit.plan.conversation import differs

PLAYS = {
    "one wave, no hooks": """
        Deployment web; ConfigMap settings
        << Apply(settings), Apply(web)
        << Succeeded
    """,
    "a wave waits for the one before": """
        Deployment web; ConfigMap later wave=1
        << Apply(web)
        << Wait(web)
        >> healthy(web)
        << Apply(later)
        << Succeeded
    """,
    "what has become unwell ends it, and nothing later is written": """
        Deployment web; ConfigMap later wave=1
        << Apply(web)
        >> degraded(web)
        << Failed
    """,
    "what is suspended is waited for": """
        Deployment web; ConfigMap later wave=1
        << Apply(web)
        >> suspended(web)
        << Wait(web)
        >> healthy(web)
        << Apply(later)
    """,
    "what somebody deletes while it is waited for ends it": """
        Deployment web; ConfigMap later wave=1
        << Apply(web)
        << Wait(web)
        >> gone(web)
        << Failed
    """,
    "before, in and after the sync": """
        Job before hook=PreSync; Deployment web; Job after hook=PostSync
        << Run(before)
        << Wait(before)
        >> healthy(before)
        << Apply(web)
        << Wait(web)
        >> healthy(web)
        << Run(after)
        << Wait(after)
        >> healthy(after)
        << Release(before), Release(after)
        << Succeeded
    """,
    "a failed hook before the sync keeps everything from being written": """
        Job before hook=PreSync; Deployment web
        << Run(before)
        >> degraded(before)
        << Release(before)
        << Failed
    """,
    "where the sync fails, its hook runs, and it has failed all the same": """
        Deployment web; ConfigMap later wave=1; Job mend hook=SyncFail
        << Apply(web)
        >> degraded(web)
        << Run(mend)
        << Wait(mend)
        >> healthy(mend)
        << Release(mend)
        << Failed
    """,
    "where nothing fails, the hook for failures never runs": """
        ConfigMap settings; Job mend hook=SyncFail
        << Apply(settings)
        << Succeeded
    """,
    "a refusal runs it too": """
        ConfigMap settings; ConfigMap later wave=1; Job mend hook=SyncFail
        >> refused(settings)
        << Apply(settings)
        << Run(mend)
        >> healthy(mend)
        << Release(mend)
        << Failed
    """,
    "a hook goes when it has succeeded, where it asks for that": """
        Job before hook=PreSync policy=HookSucceeded; ConfigMap settings
        << Run(before)
        >> healthy(before)
        << Apply(settings)
        << Delete(before)
        << Succeeded
    """,
    "a hook of before goes first": """
        Job before hook=PreSync; old Job before hook=PreSync; ConfigMap settings
        << Delete(before)
        << Run(before)
        >> healthy(before)
        << Apply(settings)
        << Release(before)
        << Succeeded
    """,
    "what is no longer declared goes, and what follows waits for it": """
        ConfigMap new; old ConfigMap gone; prune
        << Prune(gone), Apply(new)
        << Succeeded
    """,
    "nobody asked for pruning": """
        ConfigMap new; old ConfigMap kept
        << Skip(kept), Apply(new)
        << Succeeded
    """,
    "pruning waits for consent": """
        ConfigMap new; old ConfigMap dear options=Prune=confirm; prune
        << Wait(dear)
        >> approved()
        << Prune(dear), Apply(new)
        << Succeeded
    """,
    "an engine that ends in mid-wave does the rest, and runs no hook again": """
        Job before hook=PreSync; ConfigMap settings
        << Run(before)
        >> lost()
        << Wait(before)
        >> healthy(before)
        << Apply(settings)
        >> lost()
        << Apply(settings)
        << Release(before)
        << Succeeded
    """,
    "an operation that may be tried again is": """
        ConfigMap settings; retry
        >> refused(settings)
        << Apply(settings)
        << Retry
        >> accepted(settings)
        >> later()
        << Apply(settings)
        << Succeeded
    """,
}


@pytest.mark.parametrize("play", PLAYS)
def test_a_conversation_goes_as_it_is_written(play: str) -> None:
    assert differs(PLAYS[play]) == ""
