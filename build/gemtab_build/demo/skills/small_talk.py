"""Small talk: greetings, thanks, moods, good-byes."""

from __future__ import annotations

from random import Random

from gemtab_build.demo.skills.example import Example
from gemtab_build.demo.skills.wording import prompt, thinking, vary

INTENTS: dict[str, tuple[str, ...]] = {
    "Hello! How can I help?": (
        "Hello", "Hello!", "Hi", "Hi!", "Hey", "Hey!", "Hello there!", "Hi there!", "Greetings!", "Hello, Gemtab!",
        "Hi, Gemtab!", "Hey there!", "Good day!", "Hello again!", "Hello, toy!", "Hello, model!", "Howdy!"),
    "I am fine, thank you. And you?": (
        "How are you?", "How are you today?", "How do you do?", "How is it going?", "How do you feel?",
        "Are you OK?", "How are things?", "Are you well?", "How are you doing?", "What's up?", "You OK?"),
    "You are welcome!": (
        "Thanks!", "Thank you!", "Thanks a lot!", "Thank you so much.", "Many thanks.", "That helped.",
        "Thank you very much!", "Great, thanks.", "Cheers!", "That was helpful.", "You helped me."),
    "Goodbye! Come back soon.": (
        "Bye!", "Goodbye!", "See you later.", "I have to go.", "See you!", "Bye bye!", "I am leaving now.",
        "Farewell!", "I must go.", "See you tomorrow.", "Talk to you later."),
    "Good morning! I hope you slept well.": (
        "Good morning!", "Morning!", "A good morning to you.", "Good morning, Gemtab!", "It is morning.",
        "I just woke up.", "I just got up."),
    "Good night! Sleep well.": (
        "Good night!", "Night!", "I am going to bed.", "Time to sleep.", "I am tired.", "I need sleep.",
        "Good night, Gemtab!", "I am sleepy."),
    "I am sorry to hear that. I hope it gets better.": (
        "I am sad.", "I feel bad.", "I had a bad day.", "I am ill.", "I feel lonely.", "I am not well.",
        "My day was bad.", "I am angry.", "I lost my keys.", "I am afraid.", "Today was hard."),
    "That is good to hear!": (
        "I am happy.", "I feel great.", "I had a good day.", "I am fine.", "I am well.", "Life is good.",
        "My day was good.", "I feel good today.", "I won a prize!", "I am doing well."),
    "How kind of you!": (
        "You are nice.", "I like you.", "You are great!", "Well done!", "Good job!", "You are smart.",
        "You are cute.", "Nice work!", "You are the best.", "You are funny.", "I love you."),
    "No problem at all.": (
        "Sorry!", "I am sorry.", "My mistake.", "Excuse me.", "I made a mistake.", "Forgive me.",
        "Oh, sorry.", "I am so sorry!", "Pardon me."),
    "Why did the shader cross the bus? To get to the other side.": (
        "Tell me a joke.", "Make me laugh.", "Do you know a joke?", "Say something funny.", "A joke!",
        "I want a joke.", "Can you tell a joke?", "Another joke!", "Got a joke?", "I am bored."),
    "I like blue, the color of a clear sky.": (
        "What is your favorite color?", "Which color do you like?", "Do you like blue?", "Do you like red?",
        "What color do you like best?", "Name a color.", "Do you have a favorite color?"),
    "Yes, I like cats and dogs very much.": (
        "Do you like cats?", "Do you like dogs?", "Do you like animals?", "Cats or dogs?", "Do you have a pet?",
        "I have a cat.", "I have a dog.", "Do you want a cat?"),
}  # fmt: skip


def make(rng: Random) -> Example:
    """Something said in passing."""
    answer = rng.choice(list(INTENTS))
    return Example(
        "small_talk",
        prompt(rng, vary(rng, rng.choice(INTENTS[answer]))),
        text=answer,
        thought="The user makes small talk.",
        thinking=thinking(rng),
    )
