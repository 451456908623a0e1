"""The words of the assistant's requests that its package leaves open, and requests that no home answers."""

from __future__ import annotations

from collections.abc import Mapping

# What a home may hold, by Home Assistant's domains: a template says which domains its {name} may be.
DEVICES: Mapping[str, tuple[str, ...]] = {
    "binary_sensor": ("front door sensor", "motion detector", "mailbox", "window sensor", "leak sensor", "fridge door"),
    "button": ("doorbell", "restart button", "panic button", "garage remote", "coffee button"),
    "climate": ("thermostat", "air conditioner", "heater", "radiator", "heat pump", "boiler"),
    "cover": ("garage door", "left blind", "roller shutter", "patio awning", "driveway gate", "skylight", "curtains"),
    "fan": ("ceiling fan", "desk fan", "extractor fan", "tower fan", "bathroom fan"),
    "input_boolean": ("guest mode", "vacation mode", "night mode", "party mode"),
    "lawn_mower": ("lawn mower", "robot mower", "mowbot", "grass cutter", "shaun"),
    "light": ("bedside lamp", "floor lamp", "ceiling light", "desk lamp", "chandelier", "reading light", "led strip"),
    "lock": ("front door", "back door", "gate lock", "patio door", "side door", "shed door"),
    "media_player": ("television", "radio", "soundbar", "speaker", "stereo", "record player", "chromecast"),
    "person": ("anna", "ben", "carla", "david", "emma", "my wife", "grandpa"),
    "scene": ("movie night", "good morning", "dinner time", "relax", "bedtime", "romantic evening", "sunset"),
    "script": ("morning routine", "leaving home", "wake up routine", "holiday script", "goodnight routine"),
    "sensor": ("outdoor temperature", "humidity sensor", "battery level", "power meter", "water meter"),
    "switch": ("coffee machine", "kettle", "christmas tree", "fountain", "power strip", "dehumidifier"),
    "todo": ("grocery", "chores", "packing", "work", "party", "birthday"),
    "vacuum": ("robot vacuum", "roomba", "vacuum cleaner", "dusty", "hoover"),
    "valve": ("sprinkler valve", "water valve", "gas valve", "irrigation", "main valve"),
    "weather": ("london", "paris", "berlin", "new york", "the mountains", "tokyo"),
}

# What goes into the slots that the package leaves open.
WORDS: Mapping[str, tuple[str, ...]] = {
    "area": (
        "kitchen",
        "living room",
        "bedroom",
        "bathroom",
        "garage",
        "office",
        "hallway",
        "dining room",
        "nursery",
        "attic",
        "guest room",
        "laundry room",
        "garden",
        "study",
        "playroom",
        "master bedroom",
        "pantry",
        "patio",
    ),
    "floor": ("ground", "first", "second", "third", "top", "upstairs", "downstairs", "basement", "upper", "lower"),
    "zone": ("home", "work", "school", "the office", "the gym", "the park", "grandma's house", "away"),
    "message": (
        "dinner is ready",
        "it is time to go",
        "the pizza is here",
        "breakfast is on the table",
        "the movie starts soon",
        "we are leaving in five minutes",
        "please come downstairs",
        "the bus is late",
        "the laundry is done",
        "grandma has arrived",
        "wake up everyone",
        "the dog needs a walk",
        "homework time",
    ),
    "search_query": (
        "bohemian rhapsody",
        "the beatles",
        "jazz",
        "queen",
        "dark side of the moon",
        "taylor swift",
        "hey jude",
        "star wars",
        "the daily news",
        "classical piano",
        "rock classics",
        "the office",
        "miles davis",
        "abba",
        "christmas songs",
        "thriller",
        "relaxing music",
        "hamilton",
    ),
    "timer_name": (
        "pizza",
        "pasta",
        "laundry",
        "egg",
        "tea",
        "workout",
        "homework",
        "bread",
        "nap",
        "cookies",
        "meeting",
        "chicken",
    ),
    "timer_command": (
        "turn off the lights",
        "open the garage door",
        "turn on the heater",
        "close the blinds",
        "lock the front door",
        "play some music",
        "start the vacuum",
        "turn off the television",
        "pause the music",
        "feed the cat",
        "water the plants",
        "set the bedroom to red",
        "turn on the coffee machine",
        "mute the radio",
    ),
    "shopping_list_item": (
        "milk",
        "eggs",
        "bread",
        "apples",
        "olive oil",
        "toilet paper",
        "coffee",
        "dog food",
        "bananas",
        "cheese",
        "batteries",
        "chocolate",
        "rice",
        "orange juice",
        "tomatoes",
    ),
    "todo_list_item": (
        "call the plumber",
        "wash the car",
        "buy stamps",
        "clean the oven",
        "mow the lawn",
        "pay the rent",
        "socks",
        "candles",
        "sunscreen",
        "send the report",
        "fix the bike",
        "water the plants",
        "book a hotel",
    ),
}

MIN_TEST = 3  # an intent with fewer templates is not tested

# Requests outside the task, written for this purpose; those to choose by and to test with are about other things.
OUTSIDE_TRAIN = """
what is the capital of france
how many people live in china
who is the president of brazil
when did the second world war end
what does photosynthesis mean
how far away is the moon
why is the sky blue
is a tomato a fruit
what is seven times eight
solve this equation for me
how do you spell necessary
translate good morning into spanish
what is the german word for cat
give me a synonym for happy
tell me a story about a dragon
read me a poem
make me laugh
do you have any hobbies
what is your favorite color
are you a human
do you love me
i am feeling sad today
thank you so much
you are not very helpful
good night sleep well
how was your day
what should i cook tonight
give me a recipe for pancakes
how long do i boil potatoes
is this cheese still good to eat
how many calories are in a banana
find a good italian restaurant nearby
order a large pepperoni pizza
reserve a table for two
call my mother
send a text to john saying i am late
check my email
post this photo on facebook
what is my phone number
transfer fifty dollars to my savings account
how much money do i have
pay my electricity bill
what is the price of bitcoin
is the stock market up
what time does the next train leave
how do i get to the airport
is there much traffic on the highway
find me a cheap hotel in rome
rent a car for the weekend
do i need a visa for india
who won the football game last night
when do the lakers play again
how do i lose weight
what helps against a headache
make an appointment with my dentist
what is on my calendar
remind me about the meeting on friday
when is easter this year
how old is madonna
recommend a good book
who directed jaws
what is the meaning of life
flip a coin
pick a number between one and ten
can dogs eat chocolate
how do i tie a tie
what size shoes should i buy
fix my computer
my printer does not work
what is the best phone to buy
download the latest update
which planet is the largest
turn me into a frog
set up a bank account
play chess with me
open a new document
start a new game of solitaire
add these two numbers together
stop being so rude
show me the news
""".strip().split("\n")

OUTSIDE_VALID = """
what is the tallest mountain in asia
who invented the light bulb
how many wheels does a truck have
what is the square root of two
how do you say thanks in french
sing a lullaby for my baby
do you ever get tired
you did a great job
how do i bake a chocolate cake
what wine goes with fish
find a sushi place around here
call a taxi
email my boss that i am sick
what is my credit card limit
how much is a euro in dollars
when does my flight land
which bus goes downtown
who won the oscar for best actor
how many players are in a hockey team
how do i treat a sunburn
cancel my doctor's appointment
when is my mother's birthday
is santa claus real
roll two dice
how do i train my puppy
why does my laptop crash
which laptop has the best battery
what is the speed of light
write an essay about climate change
open an account at the bank
do fish sleep
how do magnets work
change my password
start my car
what did i do yesterday
where is the nearest gas station
""".strip().split("\n")

OUTSIDE_TEST = """
tell me a joke
who wrote hamlet
book a flight to paris
how tall is the eiffel tower
who painted the mona lisa
what language do they speak in switzerland
how deep is the ocean
when was the telephone invented
what is the chemical symbol for gold
how many bones are in the human body
what is twelve divided by three
define the word serendipity
what rhymes with orange
are you smarter than siri
will you marry me
i had a terrible week
see you later alligator
what is the plot of the lion king
who sings this tune
write a haiku about autumn
how do i knit a scarf
where can i learn the guitar
is it safe to drink seawater
how often should i feed a hamster
what do pandas eat
which vaccine do i need for kenya
how long does a cold last
what is a good exercise for my back
did my package arrive
track my order from amazon
return these shoes to the store
where did i park
how much does a new roof cost
what is my insurance deductible
file my taxes
apply for a mortgage
who is running for mayor
how do i register to vote
what happened at the olympics
when is the next solar eclipse
is pluto a planet
how fast can a cheetah run
give me advice about my girlfriend
what does this traffic sign mean
how do i change a flat tire
find a plumber in my neighborhood
what is the exchange rate for yen
how many cups are in a gallon
what is the wifi password at starbucks
take a picture of me
print my boarding pass
open the pod bay doors hal
set me up with a date
turn this essay into a speech
stop global warming
play a trick on my brother
add me on instagram
close my bank account
start a revolution
what is the time difference between london and tokyo
""".strip().split("\n")
