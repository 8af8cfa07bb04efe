"""web/engine/gpu/replay.js on the browser's own WebGPU: programs, reads, and what it says when refused."""

import base64
import json
import struct

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

ADD = """
struct Shape { amount: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> shape: Shape;
@compute @workgroup_size(1)
fn add(@builtin(global_invocation_id) id: vec3u) { y[id.x] = y[id.x] + x[id.x] + shape.amount; }
"""
KERNELS = {"add": {"wgsl": ADD, "entry": "add", "bindings": ["x", "*y"]}}

RUN = """async ({ kernels, program, before }) => {
  const open = GPUAdapter.prototype.requestDevice;
  let device;
  GPUAdapter.prototype.requestDevice = async function (...wanted) {
    return (device = await open.apply(this, wanted));
  };
  const { Gpu } = await import("/engine/gpu/replay.js");
  const gpu = await Gpu.create();
  try {
    gpu.createBuffer("x", 12, "weight");
    gpu.createBuffer("y", 300, "scratch");
    gpu.write("x", 0, new Uint8Array(new Uint32Array([1, 2, 3]).buffer));
    await gpu.compile(kernels);
    await gpu.prepare(JSON.stringify(program));
    if (before === "grow") {
      await gpu.replay(program.name, 1);
      gpu.createBuffer("y", 600, "scratch");
    }
    if (before === "first step") await gpu.replay(program.name, 1, "", 0, 0, 0, 1);
    if (before === "part") await gpu.replayPart(program.name, JSON.stringify({ step: 1, shape: [1000], grid: [2, 1, 1] }));
    if (before === "time") return await gpu.seconds(program.name, 1000);
    if (before === "overrun") gpu.write("y", 300, new Uint8Array(4));
    if (before === "lose") device.destroy();
    if (before === "fail") await gpu.replay(program.name, 1).catch(() => gpu.prepare(
      JSON.stringify({ ...program, steps: program.steps.map((step) => ({ ...step, grid: [3, 1, 1] })) })));
    return [...new Uint32Array((await gpu.replay(program.name, 3, "y", 0, 12)).buffer)];
  } catch (error) {
    return `${error.name}: ${error.message}`;
  } finally {
    GPUAdapter.prototype.requestDevice = open;
  }
}"""


def program(*, y_offset: int = 0, kernel: str = "add", groups: int = 3) -> dict:
    """Two steps that add x and another constant each to y."""
    slices = [["x", 0, 12], ["y", y_offset, 12]]
    shapes = struct.pack("<I", 10).ljust(256, b"\0") + struct.pack("<I", 100)
    steps = [
        {"kernel": kernel, "slices": slices, "shape": offset, "grid": [groups, 1, 1]}
        for offset in (0, 256)
    ]
    return {"name": "twice", "shapes": base64.b64encode(shapes).decode(), "steps": steps}


def run(chat: Page, program: dict, kernels: dict = KERNELS, before: str = ""):
    """Do something `before`, replay a program three times, and give back y or the error."""
    return chat.evaluate(RUN, {"kernels": kernels, "program": program, "before": before})


def test_steps_run_in_order_as_often_as_asked(chat: Page):
    assert run(chat, program()) == [3 * (110 + 2 * x) for x in (1, 2, 3)]


def test_a_part_of_the_steps_runs(chat: Page):
    part = run(chat, program(), before="first step")

    assert part == [10 + x + 3 * (110 + 2 * x) for x in (1, 2, 3)]


def test_a_part_of_a_dispatch_has_words_and_a_grid_of_its_own(chat: Page):
    part = run(chat, program(), before="part")

    assert part == [(1000 + x) * (x < 3) + 3 * (110 + 2 * x) for x in (1, 2, 3)]


def test_a_run_is_timed(chat: Page):
    seconds = run(chat, program(), before="time")

    assert 0 < seconds < 10


def test_a_program_follows_a_buffer_that_grows(chat: Page):
    assert run(chat, program(), before="grow") == [3 * (110 + 2 * x) for x in (1, 2, 3)]


def test_work_that_the_device_refuses_is_told(chat: Page):
    found = run(chat, program(groups=1 << 20))

    assert found.startswith("DeviceError: The graphics card refused the program twice: ")


def test_a_write_that_the_device_refuses_is_told_at_the_next_read(chat: Page):
    found = run(chat, program(), before="overrun")

    assert found.startswith("DeviceError: The graphics card refused its work: ")


def test_a_fault_is_told_once(chat: Page):
    found = run(chat, program(groups=1 << 20), before="fail")

    assert found == [3 * (110 + 2 * x) for x in (1, 2, 3)]


def test_a_lost_device_is_told(chat: Page):
    found = run(chat, program(), before="lose")

    assert found.startswith("DeviceError: The graphics card was lost")


def test_a_refused_binding_is_named(chat: Page):
    found = run(chat, program(y_offset=4))

    assert found.startswith("DeviceError: The graphics card refused the program twice")


def test_a_broken_kernel_is_named_with_its_line(chat: Page, console_errors):
    broken = {"add": {**KERNELS["add"], "wgsl": ADD.replace("y[id.x] =", "z[id.x] =")}}

    found = run(chat, program(), broken)

    assert "DeviceError" in found
    assert "the kernel add: line 7" in found
    console_errors.clear()  # Firefox notes the shader's errors there too


def test_an_uncompiled_kernel_is_named(chat: Page):
    assert "The kernel other was not compiled" in run(chat, program(kernel="other"))


def test_facts_tell_what_the_plan_asks_for(chat: Page):
    facts = json.loads(
        chat.evaluate(
            """async () => (await (await import("/engine/gpu/replay.js")).Gpu.create()).facts()"""
        )
    )

    assert facts["limits"]["maxStorageBufferBindingSize"] >= 128 << 20
    assert set(facts) == {"adapter", "driver", "features", "limits", "memory", "wgslFeatures"}


def test_a_kernel_is_compiled_once_however_often_it_is_asked_for(chat: Page):
    found = chat.evaluate(
        """async (kernels) => {
          const { Gpu } = await import("/engine/gpu/replay.js");
          const create = GPUDevice.prototype.createComputePipelineAsync;
          let created = 0;
          GPUDevice.prototype.createComputePipelineAsync = function (...wanted) {
            created++;
            return create.apply(this, wanted);
          };
          const gpu = await Gpu.create();
          const told = [];
          const ahead = gpu.compileAhead(kernels);
          await gpu.compile(kernels, (done, total) => told.push([done, total]));
          await ahead;
          await gpu.compile(kernels);
          GPUDevice.prototype.createComputePipelineAsync = create;
          return { created, told }; }""",
        KERNELS,
    )

    assert found == {"created": 1, "told": [[0, 1], [1, 1]]}


def test_what_fails_ahead_of_time_fails_when_it_is_asked_for(chat: Page):
    found = chat.evaluate(
        """async (kernels) => {
          const { Gpu } = await import("/engine/gpu/replay.js");
          const gpu = await Gpu.create();
          await gpu.compileAhead(kernels);
          return gpu.compile(kernels).catch(({ name }) => name); }""",
        {"add": KERNELS["add"] | {"entry": "multiply"}},
    )

    assert found == "DeviceError"


FORGET = """async ({ kernels, program }) => {
  const { createBuffer } = GPUDevice.prototype;
  const { destroy } = GPUBuffer.prototype;
  let live = 0;
  GPUDevice.prototype.createBuffer = function (wanted) { live++; return createBuffer.call(this, wanted); };
  GPUBuffer.prototype.destroy = function () { live--; return destroy.call(this); };
  try {
    const { Gpu } = await import("/engine/gpu/replay.js");
    const gpu = await Gpu.create();
    await gpu.compile(kernels);
    const counts = [];
    for (let number = 0; number < 4; number++) {
      for (const name of ["x", "y"]) gpu.createBuffer(name, 12, "scratch");
      await gpu.prepare(JSON.stringify({ ...program, name: `trial ${number}` }));
      await gpu.replay(`trial ${number}`, 1);
      gpu.forget(`trial ${number}`);
      for (const name of ["x", "y"]) gpu.releaseBuffer(name);
      counts.push(live);
    }
    const said = (promise) => promise.then(() => "", (error) => error.message);
    gpu.createBuffer("x", 12, "scratch");
    gpu.createBuffer("y", 12, "scratch");
    const forgotten = await said(gpu.replay("trial 0", 1));
    gpu.keepKernels(new Set());
    return { counts, forgotten, dropped: await said(gpu.prepare(JSON.stringify(program))) };
  } finally {
    GPUDevice.prototype.createBuffer = createBuffer;
    GPUBuffer.prototype.destroy = destroy;
  }
}"""


def test_what_is_let_go_of_leaves_no_buffer_behind(chat: Page):
    found = chat.evaluate(FORGET, {"kernels": KERNELS, "program": program()})

    assert len(set(found["counts"])) == 1
    assert "trial 0 was not prepared" in found["forgotten"]
    assert "add was not compiled" in found["dropped"]
