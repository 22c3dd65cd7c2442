# frozen_string_literal: true

module Petrichor
  # Makes an element of a value:
  #
  #   String, Symbol   its bytes, whatever its encoding says
  #   Integer          of up to 400 bytes
  #   Float            finite
  #   true, false, nil
  #   Array
  #   Hash             whose keys are strings and symbols
  #
  # What a reader would refuse is not written, apart from sizes and counts: up to
  # nine digits of size, and any number of values, are. Like Walk it does not call itself.
  #
  # It writes from the last byte to the first, and turns them round in the end: a size
  # is known when its turn comes, and no payload is copied once for each level.
  class Dump
    # A container being written: the items to come, and how many bytes are behind its payload.
    Box = Struct.new(:items, :behind)

    def self.call(value, rules)
      new(rules).call(value)
    end

    def initialize(rules)
      @rules = rules
      @boxes = []
      @backwards = String.new
    end

    def call(value)
      add(value)
      until @boxes.empty?
        items = @boxes.last.items
        items.empty? ? size(@backwards.bytesize - @boxes.pop.behind) : add(items.pop)
      end
      @backwards.reverse!
    end

    private

    def add(value)
      case value
      when Array then open(:list, value.dup)
      when Hash then open(:dict, entries(value))
      else scalar(value)
      end
    end

    def open(kind, items)
      refuse("nested deeper than #{@rules.depth}: does it contain itself?") if @boxes.size >= @rules.depth

      @backwards << Element::TAGS[kind]
      @boxes.push(Box.new(items, @backwards.bytesize))
    end

    # To Ruby the binary and the UTF-8 string of the same bytes may be two keys.
    def entries(hash)
      bytes = hash.each_key.map do |key|
        refuse("a key is a String or a Symbol, not #{Petrichor.class_of(key)}") unless String === key || Symbol === key
        key.to_s.b
      end
      refuse("a key that is there twice") if bytes.uniq.size < bytes.size

      hash.flat_map { |entry| entry }
    end

    def scalar(value)
      case value
      when String, Symbol then element(string_kind(value.to_s), value.to_s.b)
      when Integer then element(:int, int(value))
      when Float then element(:float, float(value))
      when true, false then element(:bool, value.to_s)
      when nil then element(:null, "")
      else refuse("#{Petrichor.class_of(value)} is no kind of element")
      end
    end

    def element(kind, payload)
      @backwards << Element::TAGS[kind] << payload.reverse
      size(payload.bytesize)
    end

    def size(bytes)
      refuse("more than #{NINE_DIGITS} bytes of payload") if bytes > NINE_DIGITS

      @backwards << ":" << bytes.to_s.reverse
    end

    def string_kind(string)
      text = @rules.text && [Encoding::UTF_8, Encoding::US_ASCII].include?(string.encoding) && string.valid_encoding?
      text ? :text : :string
    end

    def int(value)
      digits = value.bit_length > 4 * Number::LONGEST ? "" : value.to_s
      refuse("an int of more than #{Number::LONGEST} bytes") unless digits.bytesize.between?(1, Number::LONGEST)

      digits
    end

    def float(value)
      return Number.text(value) if value.finite?

      refuse("#{value} is no float") unless @rules.nonfinite
      value.nan? ? "nan" : value.positive? ? "inf" : "-inf"
    end

    def refuse(why)
      raise Error.new(:value, nil, why)
    end
  end
end
