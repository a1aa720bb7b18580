"""`python -m demo`: `tocsin demo` by another name."""

from demo.command import demo

if __name__ == "__main__":
    demo(prog_name="python -m demo")
