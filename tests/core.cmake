# The core's tests: does each function keep its header's promise (unit), do the laws hold (property)?
