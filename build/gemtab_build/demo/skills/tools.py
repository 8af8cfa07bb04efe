"""Calling a tool, and using what it answered."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from gemtab_build.demo.skills import small_talk
from gemtab_build.demo.skills.example import Example, Message
from gemtab_build.demo.skills.wording import prompt, thinking, vary

CITIES = tuple(
    """Paris London Berlin Madrid Rome Oslo Vienna Prague Lisbon Dublin Athens Cairo Tokyo Delhi
    Lima Boston Chicago Sydney Toronto Moscow Warsaw Zurich Hamburg Munich Milan Seoul Nairobi
    Helsinki Geneva Kyoto Denver Havana Bergen Porto Riga Bern""".split()
)
SKIES = ("sunny", "rainy", "cloudy", "windy", "foggy", "clear", "snowy", "stormy", "cold", "hot")
WEATHER = ("What is the weather in {}?", "How is the weather in {}?", "Weather in {}?", "Is it raining in {}?",
           "What's the weather like in {}?", "Is it warm in {}?", "Tell me the weather in {}.",
           "How warm is it in {}?", "Do I need a coat in {}?", "Give me the weather for {}.",
           "What is the weather like in {} today?")  # fmt: skip
TIME = ("What time is it in {}?", "What is the time in {}?", "Time in {}?", "Tell me the time in {}.",
        "How late is it in {}?", "Which time is it in {}?", "Give me the time in {}.")  # fmt: skip
DESCRIPTIONS = {
    "get_weather": ("Get the weather.", "Get the weather in a city.", "Get the current weather for a city.",
                    "The weather now.", "Current weather."),
    "get_time": ("Get the time.", "Get the time in a city.", "The local time of a city.", "Local time."),
}  # fmt: skip
CITY = ("City name", "The city.", "The city name", "Name of the city.", "City", "")


def tool(rng: Random, name: str) -> dict[str, Any]:
    """A declaration in the form that chat APIs take."""
    city: dict[str, Any] = {"type": "string"}
    if described := rng.choice(CITY):
        city["description"] = described
    properties: dict[str, Any] = {"city": city}
    if name == "get_weather" and rng.random() < 0.2:
        properties["unit"] = {"type": "string", "enum": ["C", "F"]}
    if name == "get_weather" and rng.random() < 0.15:
        properties["days"] = {"type": "integer"}
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": rng.choice(DESCRIPTIONS[name]),
            "parameters": {"type": "object", "properties": properties, "required": ["city"]},
        },
    }


def result(rng: Random, name: str, call: Message) -> tuple[list[Message], str]:
    """The call's message with the tool's answer, in one of the forms in use, and the value said."""
    sky, degrees = rng.choice(SKIES), rng.randint(-9, 39)
    clock = f"{rng.randint(0, 23)}:{rng.randint(0, 59):02d}"
    if name == "get_time":
        fields: dict[str, Any] = {"time": clock}
        value = clock
    else:
        fields = {"sky": sky, "temp": degrees}
        value = f"{sky}, {degrees} C"
    form = rng.randrange(3)
    if form == 0:
        return [{**call, "tool_responses": [{"name": name, "response": fields}]}], value
    content = json.dumps(fields) if form == 1 else value
    return [call, {"role": "tool", "tool_call_id": "1", "name": name, "content": content}], value


def make(rng: Random) -> Example:
    """A question that needs the tool: the call, or the answer after the tool's response."""
    names = rng.choice(
        (["get_weather"], ["get_weather"], ["get_time"], ["get_weather", "get_time"])
    )
    tools = [tool(rng, name) for name in names]
    if rng.random() < 0.12:
        answer = rng.choice(list(small_talk.INTENTS))
        said = vary(rng, rng.choice(small_talk.INTENTS[answer]))
        return Example(
            "tools", prompt(rng, said), answer, "No tool is needed.", tools, thinking(rng)
        )
    name, city = rng.choice(names), rng.choice(CITIES)
    said = rng.choice(WEATHER if name == "get_weather" else TIME).format(city)
    messages = prompt(rng, vary(rng, said, open_and_end=rng.random() < 0.4))
    think = thinking(rng)
    call = {"id": "1", "type": "function", "function": {"name": name, "arguments": {"city": city}}}
    thought = f"I call {name} for {city}."
    if rng.random() < 0.5:
        return Example(
            "tools", messages, thought=thought, tools=tools, thinking=think, calls=[call]
        )
    asked: Message = {"role": "assistant", "tool_calls": [call]}
    if think:
        asked["reasoning"] = thought
    answered, value = result(rng, name, asked)
    return Example("tools", messages + answered, f"It is {value} in {city}.", f"The tool says {value}.",
                   tools, think)  # fmt: skip
