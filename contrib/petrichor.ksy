meta:
  id: petrichor
  title: Petrichor, HEADER,BODY pairs of tnetstrings
  license: MIT
  encoding: ASCII
doc: |
  A stream of frames; spec/petrichor.md has the rules.  This describes how elements are cut, and what
  each tag means.  It does not check numbers, keys that are there twice, or limits.
seq:
  - id: frames
    type: frame
    repeat: eos
types:
  frame:
    seq:
      - id: header
        type: element
      - id: body
        type: element
  element:
    seq:
      - id: size_text
        type: str
        terminator: 0x3a
      - size: 0 # only to have start computed here
        if: start >= 0
      - id: payload
        size: size_text.to_i
      - id: tag
        type: u1
        enum: kind
    instances:
      start:
        value: _io.pos
      inner:
        pos: start
        size: size_text.to_i
        type: elements
        if: tag == kind::list or tag == kind::dict
  elements:
    seq:
      - id: elements
        type: element
        repeat: eos
enums:
  kind:
    0x2c: string
    0x3b: text
    0x23: int
    0x5e: float
    0x21: bool
    0x7e: null_value
    0x5d: list
    0x7d: dict
