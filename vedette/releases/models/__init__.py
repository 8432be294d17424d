"""The tables of this room."""

from vedette.releases.models.commit import (
    Commit,
    CommitAuthor,
    CommitFileChange,
    LatestRelease,
    PullRequest,
    PullRequestCommit,
    PullRequestState,
    ReleaseCommit,
    ReleaseHeadCommit,
    Repository,
    RepositoryStatus,
)
from vedette.releases.models.deploy import Deploy, DeployProject
from vedette.releases.models.file import (
    ArtifactBundle,
    ArtifactBundleProject,
    ArtifactBundleRelease,
    FileChunk,
    ReleaseFile,
)
from vedette.releases.models.release import (
    Distribution,
    Release,
    ReleaseEnvironment,
    ReleaseProject,
    ReleaseProjectEnvironment,
    ReleaseStatus,
)
from vedette.releases.models.secret import RepositoryDelivery, RepositorySecret
from vedette.releases.models.tombstone import ReleaseTombstone

__all__ = [
    "ArtifactBundle",
    "ArtifactBundleProject",
    "ArtifactBundleRelease",
    "Commit",
    "CommitAuthor",
    "CommitFileChange",
    "Deploy",
    "DeployProject",
    "Distribution",
    "FileChunk",
    "LatestRelease",
    "PullRequest",
    "PullRequestCommit",
    "PullRequestState",
    "Release",
    "ReleaseCommit",
    "ReleaseEnvironment",
    "ReleaseFile",
    "ReleaseHeadCommit",
    "ReleaseProject",
    "ReleaseProjectEnvironment",
    "ReleaseStatus",
    "ReleaseTombstone",
    "Repository",
    "RepositoryDelivery",
    "RepositorySecret",
    "RepositoryStatus",
]
