"""A device that gets wrong what it is told to, for engines that must notice."""

from gemtab.gpu.native import NativeDevice


class LyingDevice(NativeDevice):
    """Compiles shaders with some text replaced: `lies` are (right, wrong). Counts what it was asked."""

    def __init__(self, features, *lies, **options):
        super().__init__(features, **options)
        self.lies = lies
        self.trials = self.measured = 0

    async def compile(self, shaders, progress=None):
        told = {}
        for name, shader in shaders.items():
            text = shader["wgsl"]
            for right, wrong in self.lies:
                text = text.replace(right, wrong)
            told[name] = {**shader, "wgsl": text}
        await super().compile(told, progress)

    def held(self):
        """How many programs and buffers there are."""
        return len(self._programs._prepared), len(self._buffers)

    async def prepare(self, program):
        self.trials += program.name.startswith("trial of ")
        self.measured += program.name.startswith("measure of ")
        await super().prepare(program)
