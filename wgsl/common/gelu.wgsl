// gelu in its tanh form. tanh's argument is clamped because that of large numbers is NaN on some devices, and
// is ±1 in f32 from 10 on.
fn clamped_tanh(x: f32) -> f32 { return tanh(clamp(x, -10.0, 10.0)); }
fn gelu_inner(x: f32) -> f32 { return 0.7978845608028654 * (x + 0.044715 * x * x * x); }
fn gelu(x: f32) -> f32 { return 0.5 * x * (1.0 + clamped_tanh(gelu_inner(x))); }
