import KeyturnWire
import NIOCore
import NIOHTTP1

extension Daemon {
    /// Takes a backup and gives it to `take`, piece by piece, in order. `ClientError.backupCutOff` when the daemon did not finish it; what `take`
    /// throws comes through as it is.
    package func backUp(_ take: @escaping @Sendable (_ piece: [UInt8]) throws -> Void) async throws {
        let request = Request.post("v1", "backup", body: NoFields())
        let connection = try await connect()
        do {
            try await connection.executeThenClose { inbound, outbound in
                try await outbound.write(contentsOf: request.parts)
                try await read(inbound, take)
            }
        } catch let error as ClientError {
            throw error
        } catch let notTaken as NotTaken {
            throw notTaken.error
        } catch {
            throw ClientError.lost(path: socketPath, why: Failing.sentence(of: error))
        }
    }

    private struct NotTaken: Error {
        let error: any Error
    }

    private func read(_ inbound: Inbound, _ take: (_ piece: [UInt8]) throws -> Void) async throws {
        var head: RawReply?
        var parts = inbound.makeAsyncIterator()
        while true {
            let next: HTTPClientResponsePart?
            do { next = try await parts.next() } catch {
                guard head?.status == 200 else { throw error }
                throw ClientError.backupCutOff
            }
            guard let part = next else { break }
            switch part {
            case .head(let received): head = RawReply(received)
            case .body(let buffer) where head?.status == 200:
                do { try take(Array(buffer.readableBytesView)) } catch { throw NotTaken(error: error) }
            case .body(let buffer):
                guard head != nil, head!.body.count + buffer.readableBytes <= limits.replyBytesMax else {
                    throw ClientError.garbage("it is too long")
                }
                head!.body.append(contentsOf: buffer.readableBytesView)
            case .end:
                if let head, head.status != 200 { throw head.error }
                return
            }
        }
        guard head?.status == 200 else { throw ClientError.lost(path: socketPath, why: "it was closed before the answer") }
        throw ClientError.backupCutOff
    }
}
