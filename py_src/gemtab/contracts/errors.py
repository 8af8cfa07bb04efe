"""Every error that a person may see, as one tree.

GemtabError                 what happened, with which value, what to do; never a traceback
├── UsageError              the caller's mistake: an option, a message, a file that is not there (exit 2)
│   ├── CheckpointError     a checkpoint that is not what it says, or not a model that Gemtab runs
│   ├── HubError            a model of the Hub that cannot be had: no such name, no access, no network
│   ├── TokenizerError      a tokenizer.json of a form that cannot be packed
│   ├── TemplateError       a chat template that fails on these messages
│   └── ContextFullError    a prompt that does not fit the context
├── ArtifactError           a built site that is damaged: manifest, hash, length, missing shader (exit 2)
├── DeviceError             no adapter, a limit too small, a lost device (exit 2)
└── ShapeError              a kernel asked for sizes it does not take: a bug of ours (exit 1)
"""


class GemtabError(Exception):
    """An error fit to show to a person: one line that says what happened and what to do."""


class UsageError(GemtabError):
    """The caller asked for something that cannot be done as asked."""


class CheckpointError(UsageError):
    """A checkpoint is missing, damaged, or of a kind that Gemtab does not run."""


class HubError(UsageError):
    """A model of the Hub cannot be had: its name, access to it, the network, or room for it."""


class TokenizerError(UsageError):
    """A tokenizer file is of a form that cannot be packed without changing its meaning."""


class TemplateError(UsageError):
    """A chat template refused the conversation, or is broken."""


class ContextFullError(UsageError):
    """A prompt is longer than the context that the cache was made for."""


class ArtifactError(GemtabError):
    """A built artifact is damaged or of a newer format."""


class DeviceError(GemtabError):
    """No usable GPU, a limit that is too small, or a device that was lost."""


class ShapeError(GemtabError):
    """A kernel was asked for sizes that it does not take."""
