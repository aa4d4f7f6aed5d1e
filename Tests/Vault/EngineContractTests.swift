import SQLiteEngine
import TestSupport
import Testing
import Vault

/// What every engine promises. One function for all of them.
func expectContract(of engine: any Engine) throws {
    try expectConditions(of: engine)
    try expectAtomicity(of: engine)
    try expectRanges(of: engine)
}

private func put(_ key: [UInt8], _ value: [UInt8], revision: Int64 = 1, expecting: Int64 = 0) -> EngineChange {
    EngineChange(key: key, expecting: expecting, becomes: .init(revision: revision, value: value))
}

private func delete(_ key: [UInt8], expecting: Int64) -> EngineChange {
    EngineChange(key: key, expecting: expecting, becomes: nil)
}

private func expectConditions(of engine: any Engine) throws {
    let key: [UInt8] = [1, 1]
    #expect(try engine.get(key) == nil)
    try engine.commit([])
    try engine.commit([put(key, [1])])
    #expect(try engine.get(key) == EngineRecord(key: key, revision: 1, value: [1]))
    #expect(throws: EngineError.conflict) { try engine.commit([put(key, [2])]) }
    #expect(throws: EngineError.conflict) { try engine.commit([put(key, [2], revision: 3, expecting: 2)]) }
    #expect(throws: EngineError.conflict) { try engine.commit([delete(key, expecting: 2)]) }
    #expect(throws: EngineError.conflict) { try engine.commit([delete([9, 9], expecting: 1)]) }
    #expect(throws: EngineError.conflict) { try engine.commit([put([9, 9], [2], revision: 2, expecting: 1)]) }
    #expect(try engine.get(key)?.value == [1])
    try engine.commit([put(key, [2], revision: 2, expecting: 1)])
    #expect(try engine.get(key) == EngineRecord(key: key, revision: 2, value: [2]))
    try engine.commit([delete(key, expecting: 2)])
    #expect(try engine.get(key) == nil)
    try engine.commit([put(key, [], revision: 7)])
    #expect(try engine.get(key) == EngineRecord(key: key, revision: 7, value: []))
    let large = [UInt8](repeating: 0xAB, count: 200_000)
    try engine.commit([put(key, large, revision: 8, expecting: 7)])
    #expect(try engine.get(key)?.value == large)
    try engine.commit([delete(key, expecting: 8)])
}

private func expectAtomicity(of engine: any Engine) throws {
    try engine.commit([put([2, 1], [1]), put([2, 2], [2])])
    #expect(throws: EngineError.conflict) {
        try engine.commit([put([2, 3], [3]), delete([2, 1], expecting: 1), put([2, 2], [4], revision: 2, expecting: 5)])
    }
    #expect(try engine.get([2, 3]) == nil)
    #expect(try engine.get([2, 1])?.value == [1])
    #expect(try engine.get([2, 2])?.value == [2])
    try engine.commit([delete([2, 1], expecting: 1), delete([2, 2], expecting: 1)])
}

private func expectRanges(of engine: any Engine) throws {
    let keys: [[UInt8]] = [[3], [3, 0], [3, 0, 0xFF], [3, 1], [3, 0xFF], [3, 0xFF, 0xFF], [4]]
    try engine.commit(keys.reversed().map { put($0, $0) })
    let under3 = Array(keys.dropLast())
    let range = { (prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) in
        try engine.range(prefix, after: after, order: order, limit: limit).map(\.key)
    }
    #expect(try range([3], nil, .ascending, 100) == under3)
    #expect(try range([3], nil, .descending, 100) == under3.reversed())
    #expect(try range([3], nil, .ascending, 2) == Array(under3.prefix(2)))
    #expect(try range([3], nil, .descending, 2) == Array(under3.suffix(2).reversed()))
    #expect(try range([3], [3, 0], .ascending, 100) == Array(under3.dropFirst(2)))
    #expect(try range([3], [3, 1], .descending, 100) == Array(under3.prefix(3).reversed()))
    // A cursor need not be a record, nor within the prefix.
    #expect(try range([3], [3, 0, 1], .ascending, 1) == [[3, 0, 0xFF]])
    #expect(try range([3], [2], .ascending, 100) == under3)
    #expect(try range([3], [5], .ascending, 100) == [])
    #expect(try range([3, 0xFF], nil, .ascending, 100) == [[3, 0xFF], [3, 0xFF, 0xFF]])
    #expect(try range([3, 0], nil, .descending, 100) == [[3, 0, 0xFF], [3, 0]])
    #expect(try range([5], nil, .ascending, 100) == [])
    try engine.commit(keys.map { delete($0, expecting: 1) })
}

@Suite struct `An engine` {
    @Test func `in memory keeps the contract`() throws {
        try expectContract(of: MemoryEngine())
    }

    @Test func `on SQLite keeps the contract, new and opened again`() throws {
        let folder = try VaultPlace()
        defer { folder.remove() }
        let file = "\(folder.path)/engine.db"
        for mode in [SQLiteFile.Mode.create, .open] {
            let engine = try SQLiteFile(path: file, mode: mode, lock: nil)
            try expectContract(of: engine)
            engine.close()
        }
    }

    @Test func `on SQLite keeps what was committed, and syncs every commit in full`() throws {
        let folder = try VaultPlace()
        defer { folder.remove() }
        let file = "\(folder.path)/engine.db"
        let first = try SQLiteFile(path: file, mode: .create, lock: nil)
        #expect(first.synchronous == 2)
        try first.commit([put([1], [1, 2, 3])])
        first.close()
        let second = try SQLiteFile(path: file, mode: .open, lock: nil)
        #expect(second.synchronous == 2)
        #expect(try second.get([1]) == EngineRecord(key: [1], revision: 1, value: [1, 2, 3]))
        second.close()
    }
}
