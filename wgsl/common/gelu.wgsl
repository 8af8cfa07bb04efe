// gelu in its tanh form; the argument is clamped because tanh of large numbers is NaN on some devices,
// and is ±1 in f32 from 10 on.
fn gelu(x: f32) -> f32 {
    let inner = clamp(0.7978845608028654 * (x + 0.044715 * x * x * x), -10.0, 10.0);
    return 0.5 * x * (1.0 + tanh(inner));
}
