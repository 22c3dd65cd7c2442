# frozen_string_literal: true

module Petrichor
  # One element in some bytes: its kind, and where its payload begins and ends.
  # At stop is its tag.
  Element = Struct.new(:kind, :start, :stop) do
    def container?
      kind == :list || kind == :dict
    end

    def string?
      kind == :string || kind == :text
    end
  end

  # Cutting finds an element and understands nothing. Nobody else reads sizes, so
  # that nobody else can read too far.
  class Element
    TAGS = { string: ",", text: ";", int: "#", float: "^", bool: "!", null: "~", list: "]", dict: "}" }.freeze
    KINDS = TAGS.to_h { |kind, tag| [tag.ord, kind] }.freeze

    # The first element of data from at to stop, or nil where it ends too soon.
    def self.cut(data, rules, at: 0, stop: data.bytesize, most: rules.size)
      colon = find_colon(data, at, stop, rules.loose)
      return unless colon

      size = data.byteslice(at, colon - at).to_i
      raise Error.new(:limit, colon, "more than #{most} bytes of payload") if size > most

      tag = colon + 1 + size
      new(kind_at(data, tag, rules), colon + 1, tag) if tag < stop
    end

    # Where the size at data[at] ends, or nil where it may go on.
    def self.find_colon(data, at, stop, loose)
      i = at
      i += 1 while i < stop && i - at < 9 && data.getbyte(i).between?(48, 57)
      raise Error.new(:syntax, at + 1, "a zero in front of a size") if i - at > 1 && data.getbyte(at) == 48 && !loose
      return if i == stop
      return i if i > at && data.getbyte(i) == 58

      raise Error.new(:syntax, i, "no size: one to nine digits and a colon")
    end

    def self.kind_at(data, tag, rules)
      kind = KINDS[data.getbyte(tag)]
      return kind if kind && (kind != :text || rules.text)

      raise Error.new(:syntax, tag, "no tag")
    end
    private_class_method :find_colon, :kind_at
  end

  # A walk over an element and all that is in it, in the order on the wire. It
  # does not call itself: a peer that nests a million deep makes an Array grow.
  #
  # Who includes it has @data and @rules, and is told of each element with
  # enter(element, depth), and of the end of each container with leave(element).
  module Walk
    private

    def walk(element)
      around = []
      loop do
        enter(element, around.size)
        around.push(element) if element.container?
        at = close(around, element.container? ? element.start : element.stop + 1)
        return if around.empty?

        element = cut_inside(around.last, at)
      end
    end

    # Leaves the containers that end at a byte, and returns where the next element begins.
    def close(around, at)
      while around.any? && around.last.stop == at
        leave(around.pop)
        at += 1
      end
      at
    end

    def cut_inside(container, at)
      Element.cut(@data, @rules, at: at, stop: container.stop, most: NINE_DIGITS) ||
        raise(Error.new(:syntax, at, "an element larger than what it is in"))
    end
  end
end
