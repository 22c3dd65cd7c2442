# frozen_string_literal: true

module Petrichor
  # A header, which is a Hash, and a body, which is any value.
  Frame = Struct.new(:header, :body) do
    # What the header has under a key, or nil. Keys are compared by bytes.
    def [](key)
      look_up(key, nil)
    end

    # Whether this answer to a first frame lets us in: allowed is true, or absent.
    def allowed?
      look_up("allowed", true) == true
    end

    private

    # To a Hash the binary key, the one in UTF-8 and the symbol are three. What is read
    # without text has binary ones only, and so is found at once.
    def look_up(key, absent)
      bytes = key.to_s.b
      header.fetch(bytes) { (header.find { |other, _| other.to_s.b == bytes } || [bytes, absent]).last }
    end
  end

  class Frame
    # The frame that data begins with at a byte, and where it ends; nil where it is not all there.
    def self.cut(data, rules, at: 0)
      header = Element.cut(data, rules, at: at, most: [rules.header, rules.frame].min)
      return unless header
      raise Error.new(:header, header.stop, "a header that is no dict") unless header.kind == :dict

      start = header.stop + 1
      body = Element.cut(data, rules, at: start, most: [rules.size, rules.frame - (start - at)].min)
      [new(Parse.call(data, header, rules), Parse.call(data, body, rules)), body.stop + 1] if body
    end

    # Header and body, as a binary string.
    def dump(**rules)
      raise Error.new(:value, nil, "a header is a Hash, not #{Petrichor.class_of(header)}") unless Hash === header

      Petrichor.dump(header, **rules) << Petrichor.dump(body, **rules)
    end
  end
end
