"""Recorded exchange data through Titan: would this engine have done what the exchange did?

    shanghai.py   the Shanghai exchange's order-by-order and trade-by-trade log
    lobster.py    NASDAQ's messages and book, as LOBSTER writes them
    itch.py       NASDAQ TotalView-ITCH 5.0: all messages, from the public specification
    itch_flow.py  what of them are orders, and what they make of the book

Each reader turns the recording into steps: a command, and the fills that the exchange reported
for it.  venue.py runs steps through the engine, comparison.py counts and names what differs.
"""
