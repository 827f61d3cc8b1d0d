"""Names of the annotations, labels and finalizers we read and write, as Argo CD and Helm spell them."""

GROUP = "argoproj.io"
API_VERSION = "argoproj.io/v1alpha1"

TRACKING_ID = "argocd.argoproj.io/tracking-id"
INSTALLATION_ID = "argocd.argoproj.io/installation-id"
SYNC_WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
HOOK_DELETE_POLICY = "argocd.argoproj.io/hook-delete-policy"
HOOK_FINALIZER = "argocd.argoproj.io/hook-finalizer"
SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
COMPARE_OPTIONS = "argocd.argoproj.io/compare-options"
REFRESH = "argocd.argoproj.io/refresh"
REFRESH_TIMESTAMP = "argocd.argoproj.io/refresh-timestamp"
"""Beside :data:`REFRESH`: when it was asked for, so that asking again by the same word is a change."""
GENERATE_PATHS = "argocd.argoproj.io/manifest-generate-paths"
SKIP_RECONCILE = "argocd.argoproj.io/skip-reconcile"
IGNORE_HEALTHCHECK = "argocd.argoproj.io/ignore-healthcheck"
IGNORE_RESTART_POLICY = "argocd.argoproj.io/ignore-restart-policy"
DELETION_APPROVED = "argocd.argoproj.io/deletion-approved"

HELM_HOOK = "helm.sh/hook"
HELM_HOOK_WEIGHT = "helm.sh/hook-weight"
HELM_HOOK_DELETE_POLICY = "helm.sh/hook-delete-policy"
HELM_RESOURCE_POLICY = "helm.sh/resource-policy"

RESOURCES_FINALIZER = "resources-finalizer.argocd.argoproj.io"
RESOURCES_FINALIZER_FOREGROUND = "resources-finalizer.argocd.argoproj.io/foreground"
RESOURCES_FINALIZER_BACKGROUND = "resources-finalizer.argocd.argoproj.io/background"

PRE_DELETE_FINALIZER = "pre-delete-finalizer.argocd.argoproj.io"
POST_DELETE_FINALIZER = "post-delete-finalizer.argocd.argoproj.io"
CLEANUP = "/cleanup"
"""After the name of either: the second of its two finalizers."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
INSTANCE_LABEL = "app.kubernetes.io/instance"

# Trueup's own; the spec stays Argo CD's (cluster-truths 7).
OPERATION_ID = "trueup.dev/operation-id"
"""On a hook object: the operation that created it (its start time and revision)."""
CONTROLLER = "trueup.dev/controller"
"""On an Application: ``trueup`` or ``argocd``, which of two engines owns it."""
PUSHED = "trueup.dev/pushed"
"""On an Application, beside the refresh annotation: the commit whose push asked for the refresh. On the settings of
image automation: the image that was pushed."""
SOPS_KEYS = "trueup.dev/sops-keys"
"""On an AppProject: Secrets of the control namespace with the keys that its encrypted files are opened by."""
CHANGED_BY = "trueup.dev/changed-by"
"""On an Application: the commit that touched last what it is made of (:mod:`trueup.model.changed`)."""
VALUES_FROM = "trueup.dev/values-from"
"""On an Application: ConfigMaps and Secrets of its destination that hold values of its charts."""
POST_BUILD = "trueup.dev/post-build"
"""On an Application: Flux's post-build substitution."""
MADE_BY = "trueup.dev/made-by"
"""On our CustomResourceDefinitions: says that Trueup made them and may change them."""

NAMESPACE_OF = "trueup.dev/namespace-of"
"""On a namespace that ``CreateNamespace=true`` made: the application it was made for, as tracking ids name it."""

MARKS = (TRACKING_ID, INSTALLATION_ID, OPERATION_ID, NAMESPACE_OF)
"""What says whose an object is. We alone write it: what a repository or an application declares of it is left out."""

IMAGE_LIST = "argocd-image-updater.argoproj.io/image-list"
"""On an Application, as Argo CD Image Updater reads it: the images that automation looks after."""

FIELD_MANAGER = "argocd-controller"
"""Field manager of every write to a managed object, as Argo CD's, so that an estate moves without a write."""
AGENT = "trueup"
"""What we call ourselves to the API server, and so the field manager of what we write of an Application."""
